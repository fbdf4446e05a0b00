package cli

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/leasequery"
)

type leasequeryFlags struct {
	server, format, requestor, by        string
	address, client, relay, link, remote string
	certificate, key, authorities, name  string
	options                              []uint
	since, until                         string
	wait                                 time.Duration
}

// The ways to ask.
var leasequeryWays = []string{"udp", "bulk", "active"}

func newLeasequery() *cobra.Command {
	var f leasequeryFlags
	c := &cobra.Command{
		Use:   "leasequery",
		Short: "Ask a DHCPv6 server of whatever make for its clients' leases",
		Long: `Ask a DHCPv6 server for its clients' leases by leasequery: one client by UDP (RFC 5007), any number by TCP
(RFC 5460), or what changes from now on until the command is ended (RFC 7653). The server must know this host as a requestor.

What is asked follows from the flags: --address or --client by UDP and TCP, --relay-id, --link-address alone and --remote-id by TCP.
--link-address beside another one restricts the answer to that link. An active query may have none of them: then it is about all.`,
		Example: `  lockstep6 leasequery --server 2001:db8::547 --address 2001:db8:1::7f3a
  lockstep6 leasequery --server 2001:db8::547 --relay-id 00:03:00:01:02:00:00:00:00:01 --format csv
  lockstep6 leasequery --server 2001:db8::547 --remote-id 4491:line-17 --options 18,37
  lockstep6 leasequery --server 2001:db8::547 --by active --tls-certificate me.pem --tls-key me.key --tls-authorities ca.pem`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, q, err := f.read()
			if err != nil {
				return usageError{err}
			}
			ctx, cancel := c.Context(), context.CancelFunc(func() {})
			if f.wait > 0 {
				ctx, cancel = context.WithTimeout(ctx, f.wait)
			}
			defer cancel()
			if r.TLS, err = f.tls(); err != nil {
				return err
			}
			return f.print(c, f.ask(ctx, r, q))
		},
	}
	f.addTo(c)
	return c
}

func (f *leasequeryFlags) addTo(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVarP(&f.server, "server", "s", "", "`[ADDRESS]:PORT` of the server, or an address for port 547")
	fl.StringVar(&f.by, "by", "", "`udp`, bulk or active; without it udp for --address and --client, else bulk")
	fl.StringVar(&f.address, "address", "", "who has this `ADDRESS`, or a prefix that it lies in")
	fl.StringVar(&f.client, "client", "", "what the client with this `DUID` has")
	fl.StringVar(&f.relay, "relay-id", "", "what clients behind the relay with this `DUID` have")
	fl.StringVar(&f.remote, "remote-id", "", "what clients behind this `ENTERPRISE:ID` have; ID is text, or octets as 0x0a0b")
	fl.StringVar(&f.link, "link-address", "", "only on the link with this `ADDRESS`")
	fl.UintSliceVar(&f.options, "options", nil, "codes of `OPTIONS` that are to be told with each client, such as 18,37,53")
	fl.StringVar(&f.since, "since", "", "only what has changed since this `TIME` (RFC 3339; bulk and active)")
	fl.StringVar(&f.until, "until", "", "only what has changed until this `TIME` (RFC 3339; bulk)")
	fl.StringVar(&f.requestor, "duid", "", "this requestor's own `DUID`; without it one is made up")
	fl.DurationVar(&f.wait, "for", 0, "end after so long; 0: when the answer is whole, an active query never")
	fl.StringVarP(&f.format, "format", "f", "table", "`table`, json (one object a line) or csv")
	fl.StringVar(&f.certificate, "tls-certificate", "", "this requestor's certificate, a PEM `FILE`: the query goes by TLS")
	fl.StringVar(&f.key, "tls-key", "", "its private key, a PEM `FILE`")
	fl.StringVar(&f.authorities, "tls-authorities", "", "who signs servers' certificates, a PEM `FILE`")
	fl.StringVar(&f.name, "tls-name", "", "the `NAME` in the server's certificate; without it the address")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(leasesFormats, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("by", cobra.FixedCompletions(leasequeryWays, cobra.ShellCompDirectiveNoFileComp))
}

// read makes requestor and question of the flags.
func (f *leasequeryFlags) read() (*leasequery.Requestor, *query.Question, error) {
	if !slices.Contains(leasesFormats, f.format) {
		return nil, nil, fmt.Errorf("--format %s: give table, json or csv", f.format)
	}
	if f.server == "" {
		return nil, nil, errors.New("--server: name the server, such as 2001:db8::547")
	}
	server, err := parseServer(f.server)
	if err != nil {
		return nil, nil, err
	}
	r := &leasequery.Requestor{Server: server, DUID: wire.AppendDUIDUUID(nil, daemon.RandomUUID())}
	if f.requestor != "" {
		if r.DUID, err = admin.ParseDUID(f.requestor); err != nil {
			return nil, nil, fmt.Errorf("--duid: %w", err)
		}
	}
	q, err := f.question()
	if err != nil {
		return nil, nil, err
	}
	return r, q, f.checkWay(q)
}

// question reads what is asked.
func (f *leasequeryFlags) question() (q *query.Question, err error) {
	q = &query.Question{BaseTime: true}
	given := 0
	for _, subject := range []struct {
		flag, value string
		of          query.Type
		read        func(string) error
	}{
		{"address", f.address, query.ByAddress, func(s string) error { return parseAddress(s, &q.Address) }},
		{"client", f.client, query.ByClientID, func(s string) (err error) { q.DUID, err = admin.ParseDUID(s); return err }},
		{"relay-id", f.relay, query.ByRelayID, func(s string) (err error) { q.DUID, err = admin.ParseDUID(s); return err }},
		{"remote-id", f.remote, query.ByRemoteID, func(s string) (err error) { q.RemoteID, err = parseRemoteID(s); return err }},
	} {
		if subject.value == "" {
			continue
		}
		q.Type = subject.of
		given++
		if err := subject.read(subject.value); err != nil {
			return nil, fmt.Errorf("--%s: %w", subject.flag, err)
		}
	}
	if given > 1 {
		return nil, errors.New("--address, --client, --relay-id, --remote-id: give one of them")
	}
	if f.link != "" {
		if err := parseAddress(f.link, &q.LinkAddress); err != nil {
			return nil, fmt.Errorf("--link-address: %w", err)
		}
		if given == 0 {
			q.Type = query.ByLink
		}
	}
	for _, code := range f.options {
		if code == 0 || code > 0xffff {
			return nil, fmt.Errorf("--options: %d is no option's code", code)
		}
		q.Options = binary.BigEndian.AppendUint16(q.Options, uint16(code))
	}
	if q.Start, q.HasStart, err = parseChanged("since", f.since); err != nil {
		return nil, err
	}
	q.End, q.HasEnd, err = parseChanged("until", f.until)
	return q, err
}

func parseAddress(text string, into *[16]byte) error {
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return fmt.Errorf("%q isn't an IPv6 address", text)
	}
	*into = addr.As16()
	return nil
}

// parseRemoteID reads ENTERPRISE:ID.
func parseRemoteID(text string) ([]byte, error) {
	number, id, ok := strings.Cut(text, ":")
	enterprise, err := strconv.ParseUint(number, 10, 32)
	if !ok || err != nil || id == "" {
		return nil, fmt.Errorf("%q isn't an enterprise number, a colon and an identifier, such as 4491:line-17", text)
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(enterprise))
	if digits, isHex := strings.CutPrefix(id, "0x"); isHex {
		octets, err := hex.DecodeString(digits)
		if err != nil {
			return nil, fmt.Errorf("%q isn't hexadecimal", id)
		}
		return append(out, octets...), nil
	}
	return append(out, id...), nil
}

func parseChanged(flag, text string) (at uint32, given bool, err error) {
	if text == "" {
		return 0, false, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, false, fmt.Errorf("--%s %s: write a time such as 2026-11-26T14:00:00Z", flag, text)
	}
	return uint32(binding.TimeOf(t.Unix())), true, nil
}

// checkWay settles by what the question is asked, and whether it can be.
func (f *leasequeryFlags) checkWay(q *query.Question) error {
	single := q.Type == query.ByAddress || q.Type == query.ByClientID
	switch {
	case f.by == "" && single && !q.HasStart && !q.HasEnd && f.certificate == "":
		f.by = "udp"
	case f.by == "":
		f.by = "bulk"
	case !slices.Contains(leasequeryWays, f.by):
		return fmt.Errorf("--by %s: give udp, bulk or active", f.by)
	}
	switch {
	case q.Type == query.Everything && f.by != "active":
		return errors.New("nothing is asked: give --address, --client, --relay-id, --remote-id or --link-address")
	case f.by == "udp" && (!single || q.HasStart || q.HasEnd || f.certificate != ""):
		return errors.New("--by udp answers --address and --client only, without times and TLS; leave it out, or ask by bulk")
	case f.by == "active" && q.HasEnd:
		return errors.New("--until: an active query has no end; --for ends it")
	}
	return nil
}

// ask asks, and yields the server's messages.
func (f *leasequeryFlags) ask(ctx context.Context, r *leasequery.Requestor, q *query.Question) iter.Seq2[query.Answer, error] {
	switch f.by {
	case "bulk":
		return r.Bulk(ctx, q)
	case "active":
		return r.Active(ctx, q)
	default:
		return func(yield func(query.Answer, error) bool) {
			a, err := r.Ask(ctx, q)
			yield(a, err)
		}
	}
}
