package daemon

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/store"
	"github.com/lockstep6/lockstep6/store/exchange"
)

// Importing says which leases go into which node's store. The node must not run.
type Importing struct {
	ConfigFile string
	Text       []byte // of the configuration, as it is when the node starts
	Node       string // whose store it is; empty without a cluster
	Data       string // overrides store.path
	Successor  string // the node that takes the old server's place; empty without a cluster
	DryRun     bool   // nothing is written
	Source     exchange.Reader
	Logger     *slog.Logger
	Progress   func(*Imported)                               // called every some thousand entries
	Skipped    func(file string, line int, why, text string) // called for each entry that isn't taken
}

// Imported counts what became of the entries.
type Imported struct {
	Entries  uint64 // read
	Taken    uint64 // leases that are in the store now as the file has them, and weren't before
	Same     uint64 // of those that were there already as the file has them, or newer
	Repeated uint64 // entries that a later one of the same lease replaced
	Ended    uint64 // leases that the file says are over, which are free now
	Over     uint64 // entries that say so of leases that aren't here, or that are newer here
	Observed bool   // all that was taken is another node's, observed here
	Declined uint64 // of those taken, addresses that are kept away from everybody
	Named    uint64 // of those taken, such that have a name
	Reserved uint64 // of those taken, such with a reserved interface identifier (RFC 5453): kept as long as their clients renew
	Skipped  map[string]uint64
}

// importDrain bounds how long the end of an import waits for the store to bring a million changes in order.
const importDrain = 10 * time.Minute

// Reasons why an entry isn't taken, besides those of its reader.
const (
	SkippedExpired  = "expired"
	SkippedNoLink   = "on no link"
	SkippedNoPool   = "in no pool and not reserved"
	SkippedExcluded = "excluded from its pool"
	SkippedNewer    = "another client has it here, and was heard later"
	SkippedFuture   = "heard in the future"
)

// importAhead is how many seconds the old server's clock may have been ahead of this one's.
const importAhead = 24 * 60 * 60

// An intake is one import under way.
type intake struct {
	*Daemon
	o       *Importing
	result  Imported
	policy  *policy.Policy
	handle  *binding.Handle
	owner   uint8
	now     binding.Time
	history bool

	changes []byte
	count   int
	room    []byte
	flying  int // writes that are on their way
	done    chan *worker.Write
}

// Import puts leases of another server into a stopped node's store. What is there already of the same lease stays where it is
// newer, so an import that was broken off can be made again. The error is a *store.InUseError where the node runs.
func Import(ctx context.Context, o *Importing) (Imported, error) {
	in := &intake{o: o, Daemon: &Daemon{
		options: Options{ConfigFile: o.ConfigFile, Node: o.Node, Data: o.Data, Logger: o.Logger}, log: o.Logger, events: new(logLines),
	}}
	in.result.Skipped = map[string]uint64{}
	err := in.open(ctx)
	if err == nil {
		err = in.run(ctx)
	}
	return in.result, errors.Join(err, in.closeAll())
}

// open opens the store, compiles the policy, and loads what there is.
func (in *intake) open(ctx context.Context) (err error) {
	if in.file, err = filepath.Abs(in.o.ConfigFile); err != nil {
		return err
	}
	c, faults := config.Parse(in.o.ConfigFile, in.o.Text)
	if len(faults) > 0 {
		return faults
	}
	if c.Cluster != nil {
		if _, err = in.compile(ctx, c); err != nil { // a wrong --node leaves no folder behind
			return err
		}
	}
	if in.data, err = DataFolder(c, in.o.Data); err != nil {
		return err
	}
	if in.table, err = binding.New(binding.Options{Capacity: c.Store.Capacity, Seed: rand.Uint64()}); err != nil {
		return fmt.Errorf("store.capacity: %w", err)
	}
	if in.o.DryRun {
		err = in.openCopy(ctx)
	} else {
		options := in.storeOptions(c)
		options.DrainTimeout = importDrain
		in.store, err = store.Open(options)
	}
	if err != nil {
		return err
	}
	in.keep = in.store.PutMeta
	stored, _ := in.store.Meta(metaReservations)
	value, _ := in.store.Meta(metaProviders)
	known, err := readProviders(value)
	if err != nil {
		return err
	}
	if in.inForce, err = in.candidate(ctx, sources{text: in.o.Text, stored: stored, providers: known, consult: true}); err != nil {
		return err
	}
	in.policy = in.inForce.policy
	if in.o.DryRun {
		return in.settle(ctx)
	}
	if err := in.loadStored(ctx); err != nil {
		return err
	}
	return in.settle(ctx)
}

// openCopy makes an empty store in memory, of a node that has what the stopped store has. It is written to by nobody.
func (in *intake) openCopy(ctx context.Context) (err error) {
	in.store, err = store.Open(store.Options{Path: "copy", FS: vfs.NewMem(), Ballast: -1, Logger: in.log})
	if err != nil {
		return err
	}
	reader, err := store.OpenReadOnly(store.Options{Path: in.data})
	if errors.Is(err, pebble.ErrDBDoesNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range []string{metaKey, metaDUID, metaCluster, metaReservations, metaProviders} {
		if value, ok := reader.Meta(name); ok {
			err = errors.Join(err, in.store.PutMeta(ctx, name, value))
		}
	}
	handle := in.table.NewHandle()
	defer handle.Close()
	return errors.Join(err, reader.Scan(nil, nil, handle.Load), reader.Close())
}

// loadStored reads what the store has into the table.
func (in *intake) loadStored(ctx context.Context) error {
	loader := in.table.NewLoader()
	err := in.store.Load(ctx, 1, func(_ int, key, value []byte) error { return loader.Load(key, value) }, nil)
	return errors.Join(err, loader.Close())
}

// settle finds out whose the leases are in this store.
func (in *intake) settle(ctx context.Context) error {
	in.handle, in.history = in.table.NewHandle(), in.policy.History
	in.now = binding.TimeOf(time.Now().Unix())
	memory, _, err := in.remember(ctx, in.policy)
	if err != nil || in.policy.Single {
		return err
	}
	at := slices.IndexFunc(in.policy.Nodes, func(n policy.Node) bool { return n.Name == in.o.Successor })
	if at < 0 {
		return fmt.Errorf("the configuration has no node %q", in.o.Successor)
	}
	in.owner = memory.Owners[at]
	in.result.Observed = in.owner != peer.Self
	return nil
}

// finish notes that a new node has missed nothing up to now: all that was granted is in the file. Without that a node of a cluster
// would take itself for one that was away for long, and leave new clients to the others at first.
func (in *intake) finish(ctx context.Context) error {
	if in.o.DryRun {
		return nil
	}
	if tasksOf(in.inForce.config) > 0 {
		if err := in.store.LoseTasks(ctx); err != nil { // what the old server left in DNS is to be looked at
			return err
		}
	}
	if _, ok := in.store.Meta(metaHeartbeat); ok || in.policy.Single {
		return nil
	}
	at := binary.BigEndian.AppendUint32(nil, uint32(binding.TimeOf(time.Now().Unix())))
	if err := in.store.PutMeta(ctx, metaHeartbeat, at); err != nil {
		return err
	}
	return in.store.PutMeta(ctx, metaWhole, append(slices.Clip(at), in.policy.Fingerprint[:8]...))
}

// ServerDUIDs are what the configuration's servers are called by their DUIDs in hexadecimal: the nodes' names, of a single one "". Of a single
// one that has none in the configuration, which keeps its own in its data folder, there is none.
func ServerDUIDs(c *config.Config) map[string]string {
	names := map[string]string{}
	if c.Cluster == nil {
		if c.Server.DUID != nil {
			names[hex.EncodeToString(c.Server.DUID)] = ""
		}
		return names
	}
	for i := range c.Cluster.Nodes {
		n := &c.Cluster.Nodes[i]
		names[hex.EncodeToString(nodeDUID(c.Cluster, n))] = n.Name
	}
	return names
}
