package worker_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// goldens are good messages of each type that comes to a server, from a client on the link and through a relay.
func goldens() (all []worker.Datagram) {
	for i, kind := range []wire.MessageType{
		wire.Solicit, wire.Request, wire.Confirm, wire.Renew, wire.Rebind, wire.Decline, wire.Release, wire.InformationRequest,
		wire.AddrRegInform, wire.Leasequery, wire.ReconfigureRequest,
	} {
		var named []byte
		switch kind {
		case wire.Request, wire.Renew, wire.Decline, wire.Release:
			named = serverID
		}
		d := message(byte(i+1), kind, named)
		address := from("2001:db8:1::5", d).Source
		switch kind {
		case wire.AddrRegInform:
			d.Source, d.Data = address, wire.AppendIAAddress(bytes.Clone(d.Data), &address, 100, 200)
		case wire.InformationRequest, wire.Solicit:
			d.Data = wire.AppendOption(d.Data, wire.OptionORO, []byte{0, 23, 0, 24})
		default:
			var mark int
			d.Data, mark = wire.OpenIA(d.Data, wire.IANA, 2)
			d.Data = wire.CloseOption(wire.AppendIAAddress(d.Data, &address, 100, 200), mark)
		}
		all = append(all, d, relayed(d))
	}
	return all
}

// total is how many datagrams the worker has counted as answered, dropped, or put aside.
func (b *bench) total(aside int) uint64 {
	n := uint64(aside)
	for t := range worker.MessageTypes {
		n += b.Counters.Answered(t)
	}
	for d := range wire.DropCount {
		n += b.Counters.Dropped(d)
	}
	return n
}

// TestEachCountsOnce: whatever becomes of a datagram, it is counted once: good messages of all types, each cut short at each octet, and each octet
// of them changed in several ways; to a node that answers all of them, and to one that keeps a key for Reconfigure besides.
func TestEachCountsOnce(t *testing.T) {
	for _, more := range []string{"limits: {messages-per-client: {per-second: 0}}\naddress-registration: {}\n", "reconfigure: {}\n"} {
		aside := 0
		take := func(*worker.Datagram) bool { aside++; return aside%2 == 0 }
		taken := 0 // of those that were put aside, by who takes each second one
		b := startWith(t, settings+more, nil, func(o *worker.Options) {
			o.Aside = func(d *worker.Datagram) bool {
				ok := take(d)
				if ok {
					taken++
				}
				return ok
			}
			o.Requests = o.Aside
		})
		go func() { // the disk and the network, until the worker has ended: what is left may be more than there is room for
			for {
				select {
				case w := <-b.journal.appended:
					w.Done <- w
				case <-b.socket.sent:
				case <-b.over:
					return
				}
			}
		}()
		answered := uint64(0)
		check := func(d worker.Datagram, what string) {
			before := b.total(taken)
			b.step(d)
			if got := b.total(taken) - before; got != 1 {
				t.Fatalf("%s counts %d times: %x", what, got, d.Data)
			}
		}
		for i, d := range goldens() {
			check(d, "a good message")
			for end := range len(d.Data) {
				cut := d
				cut.Data = d.Data[:end]
				check(cut, fmt.Sprintf("message %d, cut to %d octets,", i, end))
			}
			for at := range d.Data {
				for _, change := range []byte{1, 0x80, 0xff} {
					changed := d
					changed.Data = bytes.Clone(d.Data)
					changed.Data[at] ^= change
					check(changed, fmt.Sprintf("message %d with octet %d changed by %#x", i, at, change))
				}
			}
		}
		for kind := range worker.MessageTypes {
			answered += b.Counters.Answered(kind)
		}
		if answered == 0 || taken == 0 || aside == taken {
			t.Errorf("%d were answered, %d of %d taken aside", answered, taken, aside)
		}
	}
}
