package binding

// loaderBatch is how many leases a Loader loads together.
const loaderBatch = 32

// A Loader is Handle.Load for many leases: those of a start. A lease's place in either index is at a random address, so
// to look there is a miss of the processor's cache, and one after the other such misses are most of what loading costs.
// A Loader keeps some leases back, asks for all their places at once, and then loads them. It belongs to one goroutine.
type Loader struct {
	// Loaded, if not nil, gets every record that was put into the table, still in the processor's cache, within a batch.
	// Whoever needs all records of a start is spared a walk through the table, which is a miss for each.
	Loaded func(r *Record)

	handle *Handle
	octets []byte              // keys and values, one behind the other
	ends   [loaderBatch][2]int // of each lease's key and value in octets
	stored [loaderBatch]Stored
	count  int
	newest Time
	sink   uint64 // see touch
}

// NewLoader returns a loader with a handle of its own. Close must be called.
func (t *Table) NewLoader() *Loader { return &Loader{handle: t.NewHandle()} }

// Load is Handle.Load, now or at a later call or Close, which then has the error. It keeps copies.
func (l *Loader) Load(key, value []byte) error {
	l.octets = append(l.octets, key...)
	l.ends[l.count][0] = len(l.octets)
	l.octets = append(l.octets, value...)
	l.ends[l.count][1] = len(l.octets)
	if l.count++; l.count < loaderBatch {
		return nil
	}
	return l.flush()
}

// Newest is the latest LastTransaction of all leases that were loaded, of their highest versions or not; call it after
// Close. To look for it in the table afterwards would be a walk through all of it.
func (l *Loader) Newest() Time { return l.newest }

// Close loads what was kept back, and ends the loader's use.
func (l *Loader) Close() error {
	defer l.handle.Close()
	return l.flush()
}

// flush loads what was kept back. What follows an error isn't loaded.
func (l *Loader) flush() (err error) {
	count, start := l.count, 0
	for i := range l.ends[:count] {
		middle, end := l.ends[i][0], l.ends[i][1]
		if l.stored[i], err = DecodeValue(l.octets[start:middle], l.octets[middle:end]); err != nil {
			count = i
			break
		}
		start = end
	}
	h := l.handle
	h.Enter()
	defer h.Leave()
	l.touch(l.stored[:count])
	for i := range l.stored[:count] {
		r, full := h.load(&l.stored[i])
		if full != nil {
			err = full
			break
		}
		if r != nil && l.Loaded != nil {
			l.Loaded(r)
		}
		l.newest = max(l.newest, l.stored[i].LastTransaction)
	}
	l.count, l.octets = 0, l.octets[:0]
	return err
}

// touch reads the heads of the lists that the leases will stand in, and the nodes there, as many of each as there are on
// average. Hashes come first, then heads, then nodes, in loops so short that the processor waits for many at once. What
// they say doesn't matter.
func (l *Loader) touch(leases []Stored) {
	t := l.handle.table
	var hashes, words [2 * loaderBatch]uint64
	for i := range leases {
		s := &leases[i]
		hashes[2*i] = t.leaseHash(&s.Key)
		id := s.Identity()
		hashes[2*i+1] = t.identityHash(&id)
	}
	n := 2 * len(leases)
	for i := 0; i < n; i += 2 {
		words[i] = t.records.head(hashes[i]).Load()
		words[i+1] = t.clients.head(hashes[i+1]).Load()
	}
	for range leasesPerBucket {
		for i := 0; i < n; i += 2 { // slot 0 is there, and nobody's
			words[i] = t.records.node(uint32(words[i])).next.Load()
			words[i+1] = t.clients.node(uint32(words[i+1])).next.Load()
		}
	}
	for _, word := range words[:n] {
		l.sink += word
	}
}
