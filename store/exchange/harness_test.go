package exchange

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// tell writes what a reader reads, an entry or a fault a line.
func tell(t testing.TB, r Reader) (lines []string) {
	t.Helper()
	for {
		var l Lease
		var fault *Fault
		err := r.Next(&l)
		switch {
		case errors.Is(err, io.EOF):
			return lines
		case errors.As(err, &fault):
			lines = append(lines, fmt.Sprintf("%d: %s: %s", fault.Line, fault.Reason, fault.Text))
		case err != nil:
			return append(lines, "end: "+err.Error())
		default:
			lines = append(lines, text(&l))
		}
	}
}

func text(l *Lease) string {
	b := fmt.Sprintf("%d: %s %s/%d %s %d %s", l.Line, l.Kind, netip.AddrFrom16(l.Key.Address), l.Key.Length, wire.FormatDUID(l.DUID), l.IAID, l.State)
	b += fmt.Sprintf(" %d/%d %s..%s", l.Preferred, l.Valid, moment(l.Last), moment(l.Expires))
	if l.Name != "" {
		b += fmt.Sprintf(" %s %v %v", l.Name, l.Forward, l.Reverse)
	}
	for kind, data, rest, ok := binding.Extension(l.Extension).Next(); ok; kind, data, rest, ok = rest.Next() {
		b += fmt.Sprintf(" %d=%x", kind, data)
	}
	if l.Only != nil {
		b += fmt.Sprintf(" only %d", len(l.Only))
	}
	return b
}

func moment(t binding.Time) string {
	if t == binding.Never {
		return "never"
	}
	return fmt.Sprint(t.Unix())
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got)\n%s", diff)
	}
}

// TestRealFiles: what the servers of Debian's packages wrote of one dhclient, whose address and prefix have one IAID.
func TestRealFiles(t *testing.T) {
	const client = "00:03:00:01:56:ed:29:f0:c6:6a 703645290 bound"
	const peer = " 6=fe8000000000000054ed29fffef0c66a"
	for file, c := range map[string]struct {
		format Format
		duid   string
		want   []string
	}{
		"kea-leases6.csv": {Kea, "00:01:00:01:32:9b:a2:31:ca:80:c7:99:9d:89", []string{
			"2: IA_NA 2001:db8:1::/128 " + client + " 3600/4000 1795745205..1795749205 host7.example.org false false",
			"3: IA_PD 2001:db8:8000::/56 " + client + " 3600/4000 1795745205..1795749205 host7.example.org false false"}},
		"dhcpd6.leases": {ISC, "00:01:00:01:32:9b:a2:36:ca:80:c7:99:9d:89", []string{
			"11: IA_NA 2001:db8:1:0:946b:a718:f36b:b227/128 " + client + " 2500/4000 1795745210..1795749210 only 1",
			"21: IA_PD 2001:db8:ffff:ff00::/56 " + client + " 2500/4000 1795745210..1795749210 only 1"}},
		"server-AddrMgr.xml": {Dibbler, "00:01:00:01:32:9b:a2:3f:ca:80:c7:99:9d:89", []string{
			"11: IA_NA 2001:db8:1:0:ed61:8f55:fc27:ce03/128 " + client + " 3000/4000 1795745219..1795749219" + peer,
			"19: IA_PD 2001:db8:b77b:4900::/56 " + client + " 3000/4000 1795745219..1795749219" + peer}},
	} {
		t.Run(string(c.format), func(t *testing.T) {
			name := filepath.Join("testdata", file)
			files, err := Open(c.format, name, Options{})
			if err != nil {
				t.Fatal(err)
			}
			want(t, tell(t, files), c.want...)
			if files.Read() != files.Total || files.Total == 0 {
				t.Errorf("%d octets of %d read", files.Read(), files.Total)
			}
			if err := files.Close(); err != nil {
				t.Error(err)
			}
			duid, _, err := ServerDUID(c.format, name)
			if err != nil || wire.FormatDUID(duid) != c.duid {
				t.Errorf("the server's DUID %x, %v; want %s", duid, err, c.duid)
			}
		})
	}
	t.Run("dnsmasq", func(t *testing.T) {
		f, err := os.Open("testdata/dnsmasq.leases")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		want(t, tell(t, NewDnsmasq(f, "", 1795745214)),
			"2: IA_NA 2001:db8:1:0:844a:db78:8ae7:cdb0/128 "+client+" 4000/4000 1795745214..1795749214 host7 false false")
		duid, where, err := ServerDUID(Dnsmasq, "testdata/dnsmasq.leases")
		if err != nil || wire.FormatDUID(duid) != "00:01:00:01:32:9b:a2:3b:ca:80:c7:99:9d:89" || where != "testdata/dnsmasq.leases" {
			t.Errorf("the server's DUID %x in %s, %v", duid, where, err)
		}
	})
}

// TestServerDUIDElsewhere: Dibbler's is in its configuration's picture where the file is missing; and what isn't there is told with where it was looked for.
func TestServerDUIDElsewhere(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "server-AddrMgr.xml")
	for _, format := range []Format{Kea, ISC, Dnsmasq, Dibbler} {
		if _, where, err := ServerDUID(format, name); err == nil || !strings.Contains(err.Error(), where) {
			t.Errorf("%s: %v, which doesn't name %s", format, err, where)
		}
	}
	data, err := os.ReadFile("testdata/server-CfgMgr.xml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "server-CfgMgr.xml"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	duid, _, err := ServerDUID(Dibbler, name)
	if err != nil || wire.FormatDUID(duid) != "00:01:00:01:32:9b:a2:3f:ca:80:c7:99:9d:89" {
		t.Errorf("%x, %v", duid, err)
	}
}

func TestAppendHex(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "00:03": "0003", "0:3:a": "00030a", "0003AB": "0003ab", "00-04": "0004", "a": "!", "0:": "!", ":0": "!", "0::1": "!", "xy": "!", "000": "!", "123:4": "!",
	} {
		got, err := appendHex([]byte{9}, text)
		if show := fmt.Sprintf("%x", got[1:]); err != nil && want != "!" || err == nil && show != want {
			t.Errorf("%q is %s, %v; want %s", text, show, err, want)
		}
		if err != nil && len(got) != 1 {
			t.Errorf("%q leaves %x", text, got)
		}
	}
}
