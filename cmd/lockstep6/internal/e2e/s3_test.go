package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// Scenario S3: a stateless host gets configuration with Information-request. The networkd of Debian 12 takes the Reply,
// but tells nobody what was in it while it has no address of another source.
func TestS3Stateless(t *testing.T) {
	for _, c := range clients {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, calm+onLink)
			start := time.Now()
			p := c.Start(b.client, Wish{Stateless: true})
			_, reply := b.tap.Answered(dhcpv6.MessageTypeInformationRequest, dhcpv6.MessageTypeReply, start)
			if c == (Networkd{}) {
				b.client.eventually("networkd to take the Reply", func() bool { return strings.Contains(p.Log(), "Processed Reply message") })
			} else {
				wantOptions(t, c, b.client)
			}
			if n := len(reply.Inner.Options.IANA()) + len(reply.Inner.Options.IAPD()); n != 0 {
				t.Errorf("the Reply carries %d IAs", n)
			}
			if got := b.client.GlobalAddresses("eth0"); len(got) != 0 {
				t.Errorf("a stateless host has %v", got)
			}
			b.tap.Judge()
		})
	}
}
