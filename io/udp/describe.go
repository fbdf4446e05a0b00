package udp

import (
	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/worker"
)

// hand fills batch from the messages that are left, and returns how many datagrams it filled.
func (r *receiver) hand(batch []worker.Datagram) int {
	table := r.table.Load()
	n := 0
	for n < len(batch) && r.next < r.filled {
		i := r.next
		d := &batch[n]
		data, segment, ok := r.describe(i, d, table)
		if !ok {
			r.next++
			continue
		}
		for {
			end := min(r.offset+segment, len(data))
			d.Data = data[r.offset:end:end]
			r.offset = end
			n++
			if end == len(data) {
				r.next, r.offset = r.next+1, 0
				break
			}
			if n == len(batch) {
				break
			}
			batch[n] = *d
			d = &batch[n]
		}
	}
	return n
}

// describe fills in all of d but its Data. It returns the message's payload, and the size of each datagram in it.
func (r *receiver) describe(i int, d *worker.Datagram, table *linkTable) (data []byte, segment int, ok bool) {
	m, name := &r.messages[i], &r.names[i]
	if m.header.Namelen < unix.SizeofSockaddrInet6 {
		return nil, 0, false // not a datagram: a wake-up (group.wake)
	}
	start := i * receiveControlLen
	o := readControl(r.controls[start : start+min(int(m.header.Controllen), receiveControlLen)])
	if o.destination[0] == 0xff {
		r.counters.multicast.Add(1)
	}
	segment = int(m.length)
	if o.segment > 0 {
		segment = o.segment
	}
	if m.header.Flags&unix.MSG_TRUNC != 0 || segment > worker.MaxDatagram {
		r.counters.truncated.Add(1)
		return nil, 0, false
	}
	d.SourcePort = port(name)
	if !answerable(&name.Addr, d.SourcePort) {
		r.counters.unanswerable.Add(1)
		return nil, 0, false
	}
	d.Source = name.Addr
	d.Destination = o.destination
	d.Socket = r.sockets[i]
	d.Interface = o.iface
	d.Listen = table.listen(o.iface)
	if d.Listen == 0 && o.destination[0] == 0xff {
		// The kernel asks whether the socket joined the group, not on which interface: that another process joined it
		// on this one was enough. Unicast is taken by any interface: a relay asks one of the node's addresses, and
		// routing decides by which way that comes.
		r.counters.unserved.Add(1)
		return nil, 0, false
	}
	d.Arrival = o.arrival
	d.Later = r.classes > 1 && int(d.Socket)%r.classes == 1
	start = i * r.size
	return r.buffers[start : start+int(m.length)], segment, true
}

// answerable is false for what no datagram may be sent to: multicast, the unspecified address, port 0.
func answerable(address *[16]byte, port uint16) bool {
	return address[0] != 0xff && *address != [16]byte{} && port != 0
}
