package daemon

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/store/exchange"
)

// importNow is when the lease files that are spoilt were written, in seconds since 1970.
const importNow = 1795745300

// importSources read what is spoilt as each server's lease file.
var importSources = []struct {
	file string
	open func(io.Reader) exchange.Reader
}{
	{"kea-leases6.csv", func(r io.Reader) exchange.Reader { return exchange.NewKea(r, "f") }},
	{"dhcpd6.leases", func(r io.Reader) exchange.Reader { return exchange.NewISC(r, "f", false) }},
	{"dnsmasq.leases", func(r io.Reader) exchange.Reader { return exchange.NewDnsmasq(r, "f", importNow) }},
	{"server-AddrMgr.xml", func(r io.Reader) exchange.Reader { return exchange.NewDibbler(r, "f") }},
}

const importPools = `
store: {capacity: 1024}
dns: {zones: [{zone: example.org, servers: ["::1"]}]}
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::-2001:db8:1:0:f000::", exclude: ["2001:db8:1::5"]}]
    prefixes: [{pool: "2001:db8:8000::/33", length: 56}]
    reservations: [{duid: "00:03:00:01:02:00:00:00:00:07", addresses: ["2001:db8:1:0:ffff::7"]}]
listen: {workers: 1, addresses: ["[::1]:10547"]}
`

// A taster is an intake over a store in memory that is never written, and that takes one file after another into a new table.
type taster struct {
	*intake
	told int // reports of what wasn't taken
}

func newTaster(f *testing.F) *taster {
	f.Helper()
	folder := f.TempDir()
	c := &taster{}
	o := &Importing{
		ConfigFile: filepath.Join(folder, "lockstep6.yaml"), Text: []byte(importPools), Data: filepath.Join(folder, "data"), DryRun: true,
		Logger: slog.New(slog.DiscardHandler), Progress: func(*Imported) {},
	}
	o.Skipped = func(file string, line int, why, text string) {
		if c.told++; file == "" || line < 1 || why == "" {
			f.Errorf("%q, line %d: %q is left out because of %q", file, line, text, why)
		}
	}
	c.intake = &intake{o: o, Daemon: &Daemon{options: Options{ConfigFile: o.ConfigFile, Data: o.Data, Logger: o.Logger}, log: o.Logger, events: new(logLines)}}
	if err := c.open(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := c.closeAll(); err != nil {
			f.Error(err)
		}
	})
	c.now = binding.TimeOf(importNow)
	return c
}

// taste imports one file.
func (c *taster) taste(t *testing.T, source exchange.Reader) error {
	if err := c.table.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.table, err = binding.New(binding.Options{Capacity: 1024}); err != nil {
		t.Fatal(err)
	}
	c.handle, c.o.Source, c.told = c.table.NewHandle(), source, 0
	c.result = Imported{Skipped: map[string]uint64{}}
	c.changes, c.count = c.changes[:0], 0
	return c.run(t.Context())
}

// check holds what was counted against what is in the table, and that against the configuration.
func (c *taster) check(t *testing.T, whole bool) {
	r := &c.result
	all, skipped := r.Taken+r.Same+r.Repeated+r.Ended+r.Over, uint64(0)
	for _, n := range r.Skipped {
		skipped += n
	}
	if whole && r.Entries != all+skipped || skipped != uint64(c.told) {
		t.Errorf("%d reports; not every entry is accounted for: %+v", c.told, r)
	}
	var states [8]uint64
	h := c.table.NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	for shard := range c.table.Shards() {
		h.Range(shard, func(b *binding.Record) bool {
			states[b.State()]++
			key := b.Key()
			at := c.policy.LinkOf(b.Kind(), &key.Address, key.Length)
			pool := c.policy.PoolOf(b.Kind(), &key.Address, key.Length)
			switch {
			case at < 0 || pool == nil && c.policy.Links[at].Reserved(&key.Address, key.Length) == nil:
				t.Errorf("%v is of no pool", key)
			case b.State() == binding.Bound && (len(b.DUID()) < wire.MinDUID || len(b.DUID()) > wire.MaxDUID || b.Expires() <= c.now):
				t.Errorf("%v is bound to %x until %d", key, b.DUID(), b.Expires())
			case b.LastTransaction() > c.now || b.Since() > c.now:
				t.Errorf("%v was heard of in the future", key)
			}
			return true
		})
	}
	if states[binding.Bound]+states[binding.Declined] != r.Taken || states[binding.Declined] != r.Declined || states[binding.Released] != r.Ended {
		t.Errorf("the table has %v by state, counted are %+v", states, r)
	}
}

// FuzzImport takes whatever may stand in a lease file through the import, as any of the servers' files. Each entry is accounted for once, what is
// taken fits the configuration, and the counts are those of the table.
func FuzzImport(f *testing.F) {
	for i, s := range importSources {
		data, err := os.ReadFile(filepath.Join("../../../../store/exchange/testdata", s.file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, byte(i))
	}
	f.Add([]byte(keaHeader+"2001:db8:1::9,00:03:00:01:02:00:00:00:00:01,4000,1795747300,1,2500,0,7,128,1,1,a.example.org,,0,\n"+
		"2001:db8:1::9,00:03:00:01:02:00:00:00:00:02,4000,1795747300,1,2500,0,7,128,1,1,,,1,\n"+
		"2001:db8:1::9,00:03:00:01:02:00:00:00:00:02,0,1795745214,1,2500,0,7,128,1,1,,,0,\n"), byte(0))
	c := newTaster(f)
	f.Fuzz(func(t *testing.T, data []byte, which byte) {
		source := importSources[int(which)%len(importSources)]
		err := c.taste(t, source.open(bytes.NewReader(data)))
		if err != nil && err.Error() == "" {
			t.Error("the import fails without a word")
		}
		c.check(t, err == nil)
	})
}
