package binding

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// checkPacked publishes an extension, as a new lease's and as a renewal's, and expects to get it back from memory and
// from what the store gets.
func checkPacked(t rapid.TB, h *Handle, duid, extension []byte) {
	d := numberedDraft(1)
	d.DUID, d.Extension = duid, extension
	h.Enter()
	defer h.Leave()
	r, outcome := h.Publish(h.Find(&d.Key), &d)
	if want := Extension(extension).wellFormed(); (outcome == Published) != want || outcome == Full {
		t.Fatalf("extension %x, well formed %v: %v", extension, want, outcome)
	} else if !want {
		return
	}
	if packed := h.pack(&d); len(packed) > len(extension)+packedDUID+len(duid) {
		t.Fatalf("%d octets are packed to %d", len(extension), len(packed))
	}
	if got := r.AppendExtension([]byte("before")); string(got) != "before"+string(extension) {
		t.Fatalf("want extension %x, got %x", extension, got[6:])
	}
	for kind := range ExtReturnInterface + 1 {
		if want, _ := Extension(extension).Find(kind); kind != extDUID && string(r.AppendPiece([]byte("before"), kind)) != "before"+string(want) {
			t.Fatalf("want piece %d of %x: %x, got %x", kind, extension, want, r.AppendPiece(nil, kind))
		}
	}
	if !bytes.Equal(r.DUID(), duid) {
		t.Fatalf("want DUID %x, got %x", duid, r.DUID())
	}
	key, value, rest, err := NextChange(AppendChange(nil, r))
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d octets behind the change", err, len(rest))
	}
	if s, err := DecodeValue(key, value); err != nil || string(s.Extension) != string(extension) || !bytes.Equal(s.DUID, duid) {
		t.Fatalf("%v: want extension %x, stored is %x", err, extension, s.Extension)
	}
	if change := AppendPublished(nil, r, &d); !bytes.Equal(change, AppendChange(nil, r)) {
		t.Fatalf("the published change is %x, want %x", change, AppendChange(nil, r))
	}
	again, outcome := h.Publish(r, &d)
	if outcome != Published || !again.SharesExtension(r) {
		t.Fatalf("a renewal is %v, and has a slot of its own", outcome)
	}
	for _, other := range otherExtensions(extension) {
		if r.pieces().equal(other) {
			t.Fatalf("%x equals %x", extension, other)
		}
	}
}

// otherExtensions are some that differ from e little.
func otherExtensions(e []byte) (others [][]byte) {
	others = append(others, append(bytes.Clone(e), 1, 0, 0))
	for _, i := range []int{0, 1, 2, 3, len(e) / 2, len(e) - 1} {
		if i >= 0 && i < len(e) {
			other := bytes.Clone(e)
			other[i] ^= 1
			others = append(others, other, e[:i])
		}
	}
	return others
}

// TestPacked: whatever is well formed comes back as it was, whichever form its pieces took.
func TestPacked(t *testing.T) {
	table := newTable(t, Options{Capacity: 2, Reserve: 1000, ExtensionBytes: 4 << 20, Seed: 1})
	h := table.NewHandle()
	front := rapid.SampledFrom([][]byte{{}, linkLocal[:], {0x20, 1, 0xd, 0xb8}})
	rapid.Check(t, func(t *rapid.T) {
		var e []byte
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			kind := ExtensionKind(rapid.IntRange(1, 16).Draw(t, "kind"))
			if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
				kind = ExtensionKind(rapid.ByteRange(1, 254).Draw(t, "any kind"))
			}
			n := rapid.SampledFrom([]int{0, 1, 7, 8, 13, 14, 16, 16, 16, 20, 130, 131, 251, 252, 255, 256, 900}).Draw(t, "length")
			data := bytes.Repeat([]byte{rapid.ByteRange(0, 3).Draw(t, "data")}, n)
			copy(data, front.Draw(t, "front"))
			if next := AppendExtension(e, kind, data); len(next) <= MaxExtension {
				e = next
			}
		}
		duid := bytes.Repeat([]byte{1}, rapid.SampledFrom([]int{0, 14, inlineDUID, inlineDUID + 1, MaxDUID}).Draw(t, "DUID length"))
		checkPacked(t, h, duid, e)
	})
	h.Close()
	audit(t, table)
}

// TestLongestPacked: the longest extensions there are, of few pieces and of many, with and without codes, fit.
func TestLongestPacked(t *testing.T) {
	table := newTable(t, Options{Capacity: 2, Seed: 1})
	h := table.NewHandle()
	defer h.Close()
	for _, kind := range []ExtensionKind{1, ExtPeerAddress, ExtLinkAddress, ExtClientOptions, codePeer, 254} {
		for _, n := range []int{0, 1, 13, 14, 16, 130, 255, 256, MaxExtension - extensionHeader} {
			var e []byte
			for len(e)+extensionHeader <= MaxExtension {
				e = AppendExtension(e, kind, bytes.Repeat([]byte{7}, min(n, MaxExtension-extensionHeader-len(e))))
			}
			checkPacked(t, h, make([]byte, MaxDUID), e)
		}
	}
}

// TestSubscriberPacked: a subscriber with the usual relay data takes a slot of 48 octets.
func TestSubscriberPacked(t *testing.T) {
	table := newTable(t, Options{Capacity: 2, Seed: 1})
	h := table.NewHandle()
	defer h.Close()
	d := numberedDraft(1)
	d.Extension = AppendExtension(nil, ExtPeerAddress, append(bytes.Clone(linkLocal[:]), make([]byte, 8)...))
	d.Extension = AppendExtension(d.Extension, ExtLinkAddress, make([]byte, 16))
	d.Extension = AppendExtension(d.Extension, ExtRemoteID, make([]byte, 20))
	d.Extension = AppendExtension(d.Extension, ExtInterfaceID, make([]byte, 10))
	h.Enter()
	r := mustPublish(t, h, nil, &d)
	if got := classUnits[table.shelf.class(table.extensionSlot(r)-1)] * extensionUnit; got != 48 {
		t.Errorf("want 48 octets, got %d", got)
	}
}

// FuzzPacked is TestPacked with any octets.
func FuzzPacked(f *testing.F) {
	e := AppendExtension(nil, ExtPeerAddress, append(bytes.Clone(linkLocal[:]), make([]byte, 8)...))
	e = AppendExtension(e, ExtLinkAddress, make([]byte, 16))
	e = AppendExtension(e, ExtRelayID, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1})
	f.Add(numberedDUID(1), AppendExtension(e, 200, make([]byte, 300)))
	f.Add(make([]byte, MaxDUID), []byte{1, 0, 2, 0})
	table := newTable(f, Options{Capacity: 2, Reserve: 1000, ExtensionBytes: 32 << 20, Seed: 1})
	h := table.NewHandle()
	f.Cleanup(h.Close)
	f.Fuzz(func(t *testing.T, duid, extension []byte) {
		checkPacked(t, h, duid[:min(len(duid), MaxDUID)], extension)
	})
}

// TestSamePlace: pieces that are kept for Reconfigure don't count, whether they stand on one side, on both, or differ; all others do.
func TestSamePlace(t *testing.T) {
	table := newTable(t, Options{Capacity: 2, Reserve: 1000, ExtensionBytes: 1 << 20, Seed: 1})
	h := table.NewHandle()
	of := func(parts ...string) (e Extension) { // a: kind 0, ... n: ExtReconfigure, o: ExtReturn, p: ExtReturnInterface
		for _, part := range parts {
			e = AppendExtension(e, ExtensionKind(part[0]-'a'), []byte(part[1:]))
		}
		return e
	}
	for _, test := range []struct {
		a, b Extension
		same bool
	}{
		{of(), of(), true}, {of("bx"), of("bx"), true}, {of("bx"), of("by"), false}, {of("bx"), of("cx"), false}, {of("bx"), of(), false},
		{of("n1"), of(), true}, {of("n1"), of("n2", "o3"), true}, {of("n1", "p4"), of("p5", "n2"), true}, {of("bx", "n1"), of("n2", "bx"), true}, {of("bx", "n1", "cy"), of("bx", "cy"), true},
		{of("bx", "n1", "cy"), of("bx", "n1", "cz"), false}, {of("bx", "n1"), of("bx", "n1", "cz"), false}, {of("h\x20\x01567890123456"), of("h\x20\x01567890123457"), false},
	} {
		d := numberedDraft(1)
		d.Extension = test.a
		h.Enter()
		r, outcome := h.Publish(h.Find(&d.Key), &d)
		if outcome != Published {
			t.Fatal(outcome)
		}
		if got := r.HasPlace(test.b); got != test.same {
			t.Errorf("record with %x, %x: %v", test.a, test.b, got)
		}
		h.Leave()
		if test.a.SamePlace(test.b) != test.same || test.b.SamePlace(test.a) != test.same {
			t.Errorf("%x, %x: want %v", test.a, test.b, test.same)
		}
	}
}
