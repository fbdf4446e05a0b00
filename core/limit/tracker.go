package limit

// Trackers are the flows that Floods keeps an eye on: of a second's refusals the most frequent ones.
type trackers [trackedFlows]tracker

type tracker struct {
	key               uint64 // of the flow: most others have another
	flow              Flow
	refused, admitted uint64 // in this second
	offered           uint64 // in the last one, where it was held
	keep              uint32 // 0: it isn't held
}

// judge finds out whether a flow is to be held from now on, and which share of it is to be read; others are messages of it that weren't read
// because of another hold. It returns how many weren't because of its own.
func (t *tracker) judge(others uint64, begins bool) (thrown uint64) {
	was := t.keep
	if thrown = t.thrown(); thrown > floodGrows*t.offered {
		thrown, was, begins = 0, 0, false
	}
	offered := t.refused + t.admitted + thrown + others
	t.keep, t.offered = 0, 0
	if offered < floodRate || t.admitted*4 >= offered || was == 0 && !begins {
		return thrown
	}
	least := uint64(floodLeast)
	if was == 0 {
		least = offered / floodFirst
	}
	t.keep, t.offered = uint32(max(2*t.admitted, least)<<32/offered), offered
	return thrown
}

// thrown is how many messages of the flow weren't read, about.
func (t *tracker) thrown() uint64 {
	if t.keep == 0 {
		return 0
	}
	read := t.refused + t.admitted
	return read<<32/uint64(t.keep) - read
}

func (s *trackers) admitted(flow *Flow, key uint64) {
	if t := s.find(flow, key); t != nil {
		t.admitted++
	}
}

func (s *trackers) refused(flow *Flow, key uint64) {
	if t := s.find(flow, key); t != nil {
		t.refused++
		return
	}
	for i := range s {
		if t := &s[i]; t.refused == 0 && t.keep == 0 {
			*t = tracker{key: key, flow: *flow, refused: 1}
			return
		}
	}
	for i := range s {
		if t := &s[i]; t.keep == 0 {
			t.refused--
		}
	}
}

// find is the tracker of a flow; nil: it has none.
func (s *trackers) find(flow *Flow, key uint64) *tracker {
	for i := range s {
		if t := &s[i]; t.key == key && t.flow == *flow && (t.refused > 0 || t.keep != 0) {
			return t
		}
	}
	return nil
}
