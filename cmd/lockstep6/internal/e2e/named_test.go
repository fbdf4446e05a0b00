package e2e

import (
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/naming"
)

// secondInterface is added to the number of a client that is a host's second interface.
const secondInterface = 1 << 16

// withSecond adds second interfaces for some of the clients.
func withSecond(numbers []uint32) []uint32 {
	for _, n := range numbers {
		if n%5 == 3 {
			numbers = append(numbers, n+secondInterface)
		}
	}
	return numbers
}

// withName gives a client what it says of its name (RFC 4704): nothing, one label, a whole name, as a host with two interfaces, or
// that it would keep its AAAA record itself.
func withName(c *OwnClient, n uint32) {
	if n >= secondInterface {
		n -= secondInterface
		c.duid = c.agent.Client(linkAddress, n).DUID()
	}
	flags := byte(naming.FlagS)
	label := "Client-" + strconv.Itoa(int(n))
	labels := string(rune(len(label))) + label
	switch n % 5 {
	case 0:
		return
	case 2:
		labels += "\x07CLIENTS\x07Example\x03NET\x00"
	case 4:
		flags = 0
	}
	c.more = []dhcpv6.Option{
		&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionFQDN, OptionData: append([]byte{flags}, labels...)},
		dhcpv6.OptRequestedOption(dhcpv6.OptionFQDN),
	}
}

// nameOf is what a client is called with a lease.
func nameOf(n uint32, lease netip.Prefix) string {
	if n %= secondInterface; n%5 != 0 {
		return "client-" + strconv.Itoa(int(n)) + "." + dnsDomain
	}
	text := "host-" + strings.ReplaceAll(lease.Addr().String(), ":", "-")
	if strings.HasSuffix(text, "-") {
		text += "0"
	}
	return text + "." + dnsDomain
}

// records are those of all that clients of a crowd have.
func (c *Crowd) records() map[string]bool {
	all := map[string]bool{}
	for _, n := range c.book.clients() {
		l, _ := c.book.lease(n)
		for _, lease := range l.both() {
			addRecords(all, mustName(c.t, nameOf(n, lease)), c.client(n).DUID().ToBytes(), lease)
		}
	}
	return all
}

// keeping lets clients renew what they have again and again, until end is called.
func (c *Crowd) keeping(numbers []uint32, pause time.Duration) (end func()) {
	var one sync.WaitGroup
	quit := make(chan struct{})
	one.Go(func() {
		for {
			select {
			case <-quit:
				return
			case <-time.After(pause):
				c.Keep(numbers)
			}
		}
	})
	end = sync.OnceFunc(func() {
		close(quit)
		one.Wait()
	})
	c.t.Cleanup(end)
	return end
}
