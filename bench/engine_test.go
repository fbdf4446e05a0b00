package bench

import (
	"encoding/binary"
	"testing"

	"github.com/lockstep6/lockstep6/bench/node"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// clients is how many clients an engine meets in turn.
const clients = 1 << 14

// A runner drives one engine as a worker does, a batch at a time, without sockets and store.
type runner struct {
	core     *node.Core
	engine   *engine.Engine
	sequence uint64
	changes  []byte
	arena    []byte
	input    engine.Input
	data     []byte
	turn     uint32
}

func newRunner(tb testing.TB, text string) *runner {
	o := newCore(tb, text, clients)
	return &runner{
		core: o, engine: engine.New(o.Table.NewHandle(), o.Marks),
		arena: make([]byte, 0, engine.MaxReply), changes: make([]byte, 0, worker.BatchSize*256),
	}
}

// use makes the message that the next batches consist of.
func (r *runner) use(kind wire.MessageType, prefixes bool) {
	b := append([]byte{byte(wire.RelayForward), 0}, make([]byte, 32)...)
	l := node.Link.As16()
	copy(b[2:], l[:])
	b[18], b[19] = 0xfe, 0x80
	b = wire.AppendOption(b, wire.OptionInterfaceID, []byte("port 1/2/3"))
	b, outer := wire.OpenOption(b, wire.OptionRelayMessage)
	b = wire.AppendHeader(b, kind, [3]byte{1, 2, 3})
	b = wire.AppendOption(b, wire.OptionClientID, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0})
	if kind == wire.Request || kind == wire.Renew {
		b = wire.AppendOption(b, wire.OptionServerID, node.ServerID)
	}
	b = wire.AppendOption(b, wire.OptionElapsedTime, []byte{0, 0})
	b = wire.AppendOption(b, wire.OptionORO, []byte{0, byte(wire.OptionDNSServers)})
	b, mark := wire.OpenIA(b, wire.IANA, 1)
	b = wire.CloseOption(b, mark)
	if prefixes {
		b, mark = wire.OpenIA(b, wire.IAPD, 1)
		b = wire.CloseOption(b, mark)
	}
	r.data = wire.CloseOption(b, outer)
	r.turn = 0
}

// duidOffset is where the last four octets of the Client Identifier stand in use's message.
const duidOffset = 34 + 14 + 4 + 4 + 4 + 6

// batch handles n messages, each of the next client.
func (r *runner) batch(tb testing.TB, n int) {
	mark := engine.NewMark(0, r.sequence+1)
	r.engine.Begin(r.core.Site.Load(), 800_000_000_000, mark, true, r.changes[:0])
	for range n {
		binary.BigEndian.PutUint32(r.data[duidOffset:], r.turn)
		r.turn = (r.turn + 1) % clients
		r.input = engine.Input{Data: r.data, SourcePort: 547, Listen: 1}
		if result := r.engine.Handle(&r.input, r.arena); result.Drop != wire.DropNone {
			tb.Fatalf("dropped: %s", result.Drop)
		}
	}
	r.changes = r.engine.Changes
	r.engine.End()
	if r.engine.Count > 0 {
		r.sequence++
		r.core.Marks.Settle(mark)
	}
}

// kinds are the messages of a client's life.
var kinds = []struct {
	name     string
	kind     wire.MessageType
	prefixes bool
	settings string
}{
	{"Solicit", wire.Solicit, false, settings}, {"Request", wire.Request, false, settings},
	{"Renew", wire.Renew, false, settings}, {"RenewCached", wire.Renew, false, cached},
	{"SolicitBoth", wire.Solicit, true, settings}, {"RenewBoth", wire.Renew, true, settings},
}

// BenchmarkEngine handles relayed messages: parse, choose, claim in the table, build the reply. No socket, no store, one
// goroutine. ns/op is one message; Both wants an address and a prefix, Cached needs no write (store.renew-cache).
func BenchmarkEngine(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			r := newRunner(b, k.settings)
			r.use(wire.Request, k.prefixes)
			for range clients / worker.BatchSize {
				r.batch(b, worker.BatchSize)
			}
			r.use(k.kind, k.prefixes)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += worker.BatchSize {
				r.batch(b, min(worker.BatchSize, b.N-done))
			}
		})
	}
}

// BenchmarkTable writes the next version of a binding, which is all that a Renew changes: the table's ceiling.
func BenchmarkTable(b *testing.B) {
	r := newRunner(b, settings)
	r.use(wire.Request, false)
	for range clients / worker.BatchSize {
		r.batch(b, worker.BatchSize)
	}
	h := r.core.Table.NewHandle()
	defer h.Close()
	var keys []binding.Key
	h.Enter()
	for shard := range r.core.Table.Shards() {
		h.Range(shard, func(rec *binding.Record) bool { keys = append(keys, rec.Key()); return true })
	}
	h.Leave()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; {
		h.Enter()
		for range worker.BatchSize {
			old := h.Find(&keys[i%len(keys)])
			draft := engine.DraftOf(old)
			draft.LastTransaction++
			if _, outcome := h.Publish(old, &draft); outcome != binding.Published {
				b.Fatal(outcome)
			}
			i++
		}
		h.Leave()
	}
}
