package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A queried is one lease of an answer as people and programs read it.
type queried struct {
	Lease     string            `json:"lease"`
	Kind      string            `json:"kind"`
	DUID      string            `json:"duid"`
	Preferred string            `json:"preferred"` // what is left of the lifetime
	Valid     string            `json:"valid"`
	LastHeard time.Time         `json:"last_transaction"`
	Options   map[string]string `json:"options,omitempty"` // by code, in hexadecimal
}

var queriedHeader = []string{"lease", "kind", "duid", "preferred", "valid", "last_transaction", "options"}

// queriedOf are the leases of one client.
func queriedOf(a *query.Answer, c *query.Data) (out []queried) {
	at := time.Now().UTC().Truncate(time.Second)
	if a.HasBaseTime {
		at = time.Unix(a.BaseTime.Unix(), 0).UTC()
	}
	options := make(map[string]string)
	for code, data, rest, ok := c.Options.Next(); ok; code, data, rest, ok = rest.Next() {
		switch code {
		case wire.OptionClientID, wire.OptionIAAddress, wire.OptionIAPrefix, wire.OptionCLTTime:
		default:
			options[strconv.Itoa(int(code))] = hex.EncodeToString(data)
		}
	}
	for _, l := range c.Leases {
		out = append(out, queried{
			Lease: admin.LeaseText(l.Key), Kind: l.Kind.String(), DUID: wire.FormatDUID(c.DUID),
			Preferred: admin.LifetimeText(l.Preferred), Valid: admin.LifetimeText(l.Valid),
			LastHeard: at.Add(-time.Duration(c.Age) * time.Second), Options: options,
		})
	}
	return out
}

// print prints leases as they come. What isn't a lease (a status, links) goes to the error output.
func (f *leasequeryFlags) print(c *cobra.Command, answers iter.Seq2[query.Answer, error]) error {
	out := newQueriedWriter(c.OutOrStdout(), f.format)
	progress := newProgress(c.ErrOrStderr())
	leases := 0
	for a, err := range answers {
		switch {
		case err == nil:
		case errors.Is(err, context.DeadlineExceeded) && f.wait > 0, errors.Is(err, context.Canceled) && f.by == "active":
			return out.end(leases)
		default:
			return errors.Join(err, out.flush())
		}
		f.remark(c.ErrOrStderr(), &a)
		for i := range a.Clients {
			for _, l := range queriedOf(&a, &a.Clients[i]) {
				leases++
				if err := out.write(&l); err != nil {
					return err
				}
			}
		}
		if f.by == "active" {
			if err := out.flush(); err != nil {
				return err
			}
		}
		progress.show(leases)
	}
	progress.clear()
	return out.end(leases)
}

// remark says what an answer has beside leases.
func (f *leasequeryFlags) remark(w io.Writer, a *query.Answer) {
	if a.HasStatus && a.Status != wire.StatusSuccess {
		fmt.Fprintf(w, "%s: %s\n", a.Status, a.Text)
	}
	if len(a.Links) > 0 {
		fmt.Fprintln(w, "the client has leases on several links; ask again with one of them:")
		for _, l := range a.Links {
			fmt.Fprintln(w, "  --link-address "+netip.AddrFrom16(l).String())
		}
	}
}

// A queriedWriter writes leases in one of leasesFormats.
type queriedWriter struct {
	out   io.Writer
	write func(*queried) error
	flush func() error
	table bool
}

func newQueriedWriter(out io.Writer, format string) *queriedWriter {
	w := &queriedWriter{out: out, flush: func() error { return nil }}
	switch format {
	case "json":
		encoder := json.NewEncoder(out)
		w.write = func(l *queried) error { return encoder.Encode(l) }
	case "csv":
		c := csv.NewWriter(out)
		_ = c.Write(queriedHeader) // Flush tells
		w.write = func(l *queried) error {
			options, err := json.Marshal(l.Options)
			if err != nil {
				return err
			}
			return c.Write([]string{l.Lease, l.Kind, l.DUID, l.Preferred, l.Valid, l.LastHeard.Format(time.RFC3339), string(options)})
		}
		w.flush = func() error { c.Flush(); return c.Error() }
	default:
		w.table = true
		t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "LEASE\tKIND\tVALID\tLAST HEARD\tDUID")
		w.write = func(l *queried) error {
			_, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", l.Lease, l.Kind, l.Valid, l.LastHeard.Format(time.RFC3339), l.DUID)
			return err
		}
		w.flush = t.Flush
	}
	return w
}

// end writes what is left, and in a table how many leases there were.
func (w *queriedWriter) end(leases int) error {
	if err := w.flush(); err != nil || !w.table {
		return err
	}
	_, err := fmt.Fprintln(w.out, count(leases, "lease"))
	return err
}

// A progress tells on a terminal how far a long answer is.
type progress struct {
	out  io.Writer
	last time.Time
	said bool
}

func newProgress(w io.Writer) *progress {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &progress{out: w, last: time.Now()}
		}
	}
	return &progress{}
}

// progressEvery is how often progress is told.
const progressEvery = time.Second

func (p *progress) show(leases int) {
	if p.out == nil || time.Since(p.last) < progressEvery {
		return
	}
	p.last, p.said = time.Now(), true
	fmt.Fprintf(p.out, "\r%d leases ", leases)
}

func (p *progress) clear() {
	if p.said {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// tls reads the files of a query that goes by TLS; nil: it doesn't.
func (f *leasequeryFlags) tls() (*tls.Config, error) {
	if f.certificate == "" && f.key == "" && f.authorities == "" {
		return nil, nil
	}
	if f.certificate == "" || f.key == "" || f.authorities == "" {
		return nil, usageError{errors.New("--tls-certificate, --tls-key, --tls-authorities: give all three")}
	}
	own, err := tls.LoadX509KeyPair(f.certificate, f.key)
	if err != nil {
		return nil, fmt.Errorf("--tls-certificate: %w", err)
	}
	pem, err := os.ReadFile(f.authorities)
	if err != nil {
		return nil, fmt.Errorf("--tls-authorities: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{own}, RootCAs: x509.NewCertPool(), ServerName: f.name, MinVersion: tls.VersionTLS12}
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--tls-authorities: %s has no certificate in PEM", f.authorities)
	}
	if c.ServerName == "" {
		server, err := parseServer(f.server)
		if err != nil {
			return nil, usageError{err}
		}
		c.ServerName = server.Addr().String()
	}
	return c, nil
}
