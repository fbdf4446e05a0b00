package query

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

var (
	client    = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}
	requestor = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 99}
	link      = [16]byte{0x20, 1, 0xd, 0xb8, 0, 1, 15: 1}
	lease     = [16]byte{0x20, 1, 0xd, 0xb8, 0, 1, 15: 7}
)

// read parses the message that asks, as a server does.
func read(t *testing.T, message []byte, by Transport) (Question, *Fault) {
	t.Helper()
	var p wire.Packet
	if drop := p.Parse(message); drop != wire.DropNone {
		t.Fatalf("the question can't be parsed: %v", drop)
	}
	return Read(&p.Message, by)
}

func TestQuestions(t *testing.T) {
	remote := []byte{0, 0, 0, 9, 'p', 'o', 'r', 't'}
	for _, want := range []Question{
		{Type: ByAddress, Address: lease},
		{Type: ByAddress, LinkAddress: link, Address: lease, Options: []byte{0, 47, 0, 37}},
		{Type: ByClientID, DUID: client, BaseTime: true},
		{Type: ByRelayID, DUID: client, LinkAddress: link, Start: 7, HasStart: true, End: 9, HasEnd: true},
		{Type: ByLink, LinkAddress: link},
		{Type: ByRemoteID, RemoteID: remote},
	} {
		got, fault := read(t, AppendQuestion(nil, wire.Leasequery, [3]byte{1, 2, 3}, requestor, &want), Bulk)
		if fault != nil {
			t.Errorf("%v: %v", want.Type, fault)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Question{})); diff != "" {
			t.Errorf("%v came through changed (-sent +read):\n%s", want.Type, diff)
		}
	}
}

func TestEverythingIsForActiveQueriesOnly(t *testing.T) {
	message := AppendQuestion(nil, wire.ActiveLeasequery, [3]byte{}, requestor, &Question{Type: Everything, Start: 1, HasStart: true})
	if q, fault := read(t, message, Active); fault != nil || q.Type != Everything || q.Start != 1 {
		t.Errorf("read %+v, %v", q, fault)
	}
	if _, fault := read(t, message, Bulk); fault == nil || fault.Code != wire.StatusMalformedQuery {
		t.Errorf("in bulk: %v, want MalformedQuery", fault)
	}
}

// raw makes a LEASEQUERY with an OPTION_LQ_QUERY of these octets.
func raw(data ...byte) []byte {
	b := wire.AppendHeader(nil, wire.Leasequery, [3]byte{})
	b = wire.AppendOption(b, wire.OptionClientID, requestor)
	return wire.AppendOption(b, wire.OptionLQQuery, data)
}

func TestFaults(t *testing.T) {
	head := func(t Type, options ...byte) []byte {
		return raw(append(append([]byte{byte(t)}, make([]byte, 16)...), options...)...)
	}
	end := AppendQuestion(nil, wire.ActiveLeasequery, [3]byte{}, requestor, &Question{Type: ByClientID, DUID: client, HasEnd: true})
	for name, c := range map[string]struct {
		message []byte
		by      Transport
		want    wire.StatusCode
	}{
		"no query":             {wire.AppendOption(wire.AppendHeader(nil, wire.Leasequery, [3]byte{}), wire.OptionClientID, requestor), Bulk, wire.StatusMalformedQuery},
		"cut short":            {raw(1, 2, 3), UDP, wire.StatusMalformedQuery},
		"bad framing":          {head(ByAddress, 0, 5, 0, 24, 1), UDP, wire.StatusMalformedQuery},
		"type 0":               {head(0), UDP, wire.StatusUnknownQueryType},
		"type 6":               {head(6), Bulk, wire.StatusUnknownQueryType},
		"bulk type by UDP":     {head(ByRelayID), UDP, wire.StatusNotAllowed},
		"no address":           {head(ByAddress), UDP, wire.StatusMalformedQuery},
		"no client":            {head(ByClientID), UDP, wire.StatusMalformedQuery},
		"DUID of two octets":   {head(ByClientID, 0, 1, 0, 2, 0, 1), UDP, wire.StatusMalformedQuery},
		"no relay":             {head(ByRelayID), Bulk, wire.StatusMalformedQuery},
		"no link-address":      {head(ByLink), Bulk, wire.StatusMalformedQuery},
		"no remote-id":         {head(ByRemoteID), Bulk, wire.StatusMalformedQuery},
		"odd option request":   {head(ByAddress, 0, 6, 0, 1, 9), UDP, wire.StatusMalformedQuery},
		"end of an active one": {end, Active, wire.StatusMalformedQuery},
		"start with one octet": {wire.AppendOption(head(ByLink), wire.OptionLQStartTime, []byte{1}), Bulk, wire.StatusMalformedQuery},
	} {
		if _, fault := read(t, c.message, c.by); fault == nil || fault.Code != c.want {
			t.Errorf("%s: %v, want %v", name, fault, c.want)
		}
	}
}

// A server discards what isn't for it, or of nobody (RFC 5007, Section 4.2.1).
func TestCheck(t *testing.T) {
	for want, m := range map[wire.Drop]wire.Message{
		wire.DropNoClientID:    {},
		wire.DropForeignServer: {ClientID: requestor, ServerID: client},
		wire.DropNone:          {ClientID: requestor, ServerID: requestor},
	} {
		if got := Check(&m, requestor); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

func TestClientData(t *testing.T) {
	extension := binding.AppendExtension(nil, binding.ExtRemoteID, []byte("0009port"))
	extension = binding.AppendExtension(extension, binding.ExtInterfaceID, []byte("eth7"))
	extension = binding.AppendExtension(extension, binding.ExtClientOptions, wire.AppendOption(nil, wire.OptionUserClass, []byte{0, 1, 'x'}))
	bound := binding.Stored{
		Key: binding.Key{Address: lease, Length: 128}, Kind: wire.IANA, IAID: 1, DUID: client, State: binding.Bound,
		Preferred: 100, Valid: 200, LastTransaction: 1000, Expires: 1200, Extension: extension,
	}
	prefix := bound
	prefix.Key, prefix.Kind, prefix.Preferred, prefix.Valid = binding.Key{Address: link, Length: 56}, wire.IAPD, wire.Infinity, wire.Infinity
	prefix.LastTransaction, prefix.Expires, prefix.Extension = 900, binding.Never, nil
	ended := bound
	ended.State = binding.Released

	q := &Question{Options: []byte{0, 37, 0, 18, 0, 15, 0, 47}}
	hide := func(code wire.OptionCode) bool { return code == wire.OptionInterfaceID }
	message := wire.AppendHeader(nil, wire.LeasequeryReply, [3]byte{1, 2, 3})
	message = AppendBaseTime(AppendClient(message, Client{bound, prefix, ended}, q, 1060, &Teller{Hide: hide}), 1060)
	a, err := ReadAnswer(message)
	if err != nil {
		t.Fatal(err)
	}
	if a.BaseTime != 1060 || !a.HasBaseTime || len(a.Clients) != 1 {
		t.Fatalf("read %+v", a)
	}
	got := a.Clients[0]
	want := []Lease{
		{bound.Key, wire.IANA, 40, 140},
		{prefix.Key, wire.IAPD, wire.Infinity, wire.Infinity},
		{ended.Key, wire.IANA, 0, 0}, // of a lease that has ended nothing is left
	}
	if diff := cmp.Diff(want, got.Leases); diff != "" {
		t.Errorf("leases (-want +got):\n%s", diff)
	}
	if !bytes.Equal(got.DUID, client) || got.Age != 60 {
		t.Errorf("client %x heard %d s ago, want %x, 60 s", got.DUID, got.Age, client)
	}
	for code, want := range map[wire.OptionCode]bool{
		wire.OptionRemoteID: true, wire.OptionUserClass: true,
		wire.OptionInterfaceID: false, // hidden
		wire.OptionLQRelayData: false, // nothing is kept
	} {
		if _, ok := got.Options.Find(code); ok != want {
			t.Errorf("option %d in the data: %t, want %t", code, ok, want)
		}
	}
}

// Who asks for identity associations is told each usable lease's, where it is known, with who granted it, since when and until when it was heard.
func TestAssociations(t *testing.T) {
	own := binding.Stored{
		Key: binding.Key{Address: lease, Length: 128}, Kind: wire.IANA, IAID: 7, DUID: client, State: binding.Bound,
		Preferred: 100, Valid: 200, LastTransaction: 1000, Since: 900, Expires: 1200,
		Extension: binding.AppendExtension(nil, binding.ExtLinkAddress, link[:]),
	}
	const name = "\x01\x04host\x03net\x00"
	own.Extension = binding.AppendExtension(own.Extension, binding.ExtFQDN, []byte(name))
	left := own
	left.Key, left.Kind, left.IAID, left.Owner = binding.Key{Address: link, Length: 56}, wire.IAPD, 8, 1
	left.State, left.LastTransaction, left.Extension = binding.Superseded, 1050, nil
	unknown := own
	unknown.Key.Address[15], unknown.IAID, unknown.Flags = 9, 0, binding.FlagAnonymous
	ended := own
	ended.State = binding.Released
	teller := &Teller{ServerID: func(owner uint8) []byte { return [][]byte{requestor, nil}[owner] }}
	both := []byte{0, byte(wire.OptionIANA), 0, byte(wire.OptionIAPD)}
	for _, test := range []struct {
		options []byte
		hide    wire.OptionCode
		want    []Association
	}{
		{both, 0, []Association{
			{Lease: Lease{own.Key, wire.IANA, 40, 140}, IAID: 7, ServerID: requestor, Age: 60, Start: 900, Link: link},
			{Lease: Lease{left.Key, wire.IAPD, 90, 140}, IAID: 8, Age: 10, Start: 900, Superseded: true},
		}},
		{both, wire.OptionIANA, []Association{
			{Lease: Lease{left.Key, wire.IAPD, 90, 140}, IAID: 8, Age: 10, Start: 900, Superseded: true},
		}},
		{append(both, 0, byte(wire.OptionClientFQDN)), wire.OptionIAPD, []Association{
			{Lease: Lease{own.Key, wire.IANA, 40, 140}, IAID: 7, ServerID: requestor, Age: 60, Start: 900, Link: link, FQDN: []byte(name)},
		}},
		{append(both, 0, byte(wire.OptionClientFQDN)), wire.OptionClientFQDN, []Association{
			{Lease: Lease{own.Key, wire.IANA, 40, 140}, IAID: 7, ServerID: requestor, Age: 60, Start: 900, Link: link},
			{Lease: Lease{left.Key, wire.IAPD, 90, 140}, IAID: 8, Age: 10, Start: 900, Superseded: true},
		}},
		{nil, 0, nil},
	} {
		teller.Hide = func(code wire.OptionCode) bool { return code == test.hide }
		q := &Question{Options: test.options}
		a, err := ReadAnswer(AppendClient(wire.AppendHeader(nil, wire.LeasequeryReply, [3]byte{}), Client{own, left, unknown, ended}, q, 1060, teller))
		if err != nil || len(a.Clients) != 1 || len(a.Clients[0].Leases) != 4 {
			t.Fatalf("read %+v, %v", a, err)
		}
		if diff := cmp.Diff(test.want, a.Clients[0].Associations); diff != "" {
			t.Errorf("asked for %v, %d hidden (-want +got):\n%s", test.options, test.hide, diff)
		}
	}
}

// What a client is known by is told with the lease, and only what can be one is taken.
func TestAssociationsOfIdentities(t *testing.T) {
	id := address.Identity{DUID: []byte{0xff, 0xff, 2, 1, 2, 3}, IAID: 5, Kind: wire.IANA, Derived: true}
	s := binding.Stored{
		Key: binding.Key{Address: lease, Length: 128}, Kind: wire.IANA, IAID: 7, DUID: client, State: binding.Bound, Expires: 1200,
		Flags: binding.FlagDerived, Extension: binding.AppendExtension(nil, binding.ExtIdentity, binding.AppendIdentity(nil, &id)),
	}
	q := &Question{Options: []byte{0, byte(wire.OptionIANA)}}
	told := AppendClient(wire.AppendHeader(nil, wire.LeasequeryReply, [3]byte{}), Client{s}, q, 1060, nil)
	a, err := ReadAnswer(told)
	if err != nil || len(a.Clients) != 1 || len(a.Clients[0].Associations) != 1 {
		t.Fatalf("read %+v, %v", a, err)
	}
	if got := a.Clients[0].Associations[0]; got.IAID != 7 || !got.Known.Equal(&id) || !bytes.Equal(a.Clients[0].DUID, client) {
		t.Errorf("told %+v", got)
	}
	for _, data := range [][]byte{nil, make([]byte, 4), make([]byte, 28)} {
		dst, mark := wire.OpenIA(nil, wire.IANA, 7)
		dst = wire.AppendIAAddress(dst, &s.Key.Address, 0, 100)
		dst = wire.AppendOption(wire.AppendUint32Option(dst, wire.OptionCLTTime, 9), wire.OptionClientID, data)
		if got, ok := readAssociation(wire.IANA, wire.CloseOption(dst, mark)[4:]); !ok || got.Known.Derived {
			t.Errorf("%d octets: %+v", len(data), got)
		}
	}
}

// However long all that is told of a lease is, what one OPTION_CLIENT_DATA carries of a client fits its length.
func TestAssociationsFit(t *testing.T) {
	long := make([]byte, wire.MaxDUID)
	s := binding.Stored{
		Key: binding.Key{Address: lease, Length: 128}, Kind: wire.IANA, DUID: long, State: binding.Superseded, Expires: binding.Never,
		Flags:     binding.FlagDerived,
		Extension: binding.AppendExtension(binding.AppendExtension(nil, binding.ExtLinkAddress, link[:]), binding.ExtFQDN, make([]byte, 256)),
	}
	s.Extension = binding.AppendExtension(s.Extension, binding.ExtIdentity, make([]byte, 4+binding.MaxIdentity))
	q := &Question{Options: []byte{0, byte(wire.OptionIANA), 0, byte(wire.OptionClientFQDN)}}
	c := make(Client, MaxLeases)
	for i := range c {
		c[i] = s
	}
	b := AppendClient(wire.AppendHeader(nil, wire.LeasequeryData, [3]byte{}), c, q, 9, &Teller{ServerID: func(uint8) []byte { return long }})
	a, err := ReadAnswer(b)
	if err != nil || len(b) > 1<<16-2048 || len(a.Clients[0].Associations) != q.MaxLeases() {
		t.Errorf("%d octets with %d associations, %v", len(b), len(a.Clients[0].Associations), err)
	}
}

// Whatever a server sends, reading it ends with an answer or an error.
func FuzzReadAnswer(f *testing.F) {
	f.Add(AppendClient(wire.AppendHeader(nil, wire.LeasequeryData, [3]byte{}), Client{{DUID: client, Kind: wire.IANA}}, &Question{}, 9, nil))
	f.Add(AppendClient(wire.AppendHeader(nil, wire.LeasequeryData, [3]byte{}), Client{{DUID: client, Kind: wire.IAPD, State: binding.Bound, Expires: 99}},
		&Question{Options: []byte{0, byte(wire.OptionIAPD)}}, 9, nil))
	f.Add(AppendLinks(wire.AppendHeader(nil, wire.LeasequeryReply, [3]byte{}), [][16]byte{link}))
	f.Add(wire.AppendStatus(wire.AppendHeader(nil, wire.LeasequeryDone, [3]byte{}), wire.StatusQueryTerminated, "over"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ReadAnswer(b)
		for _, c := range a.Clients {
			if err == nil && (len(c.DUID) < wire.MinDUID || len(c.Leases) == 0) {
				t.Errorf("client data without client or lease: %+v", c)
			}
		}
	})
}

// Whatever a requestor sends, a server knows what to say.
func FuzzRead(f *testing.F) {
	f.Add(AppendQuestion(nil, wire.Leasequery, [3]byte{}, requestor, &Question{Type: ByClientID, DUID: client}), byte(Bulk))
	f.Add(raw(1, 2, 3), byte(UDP))
	f.Fuzz(func(t *testing.T, b []byte, by byte) {
		var p wire.Packet
		if p.Parse(b) != wire.DropNone {
			return
		}
		q, fault := Read(&p.Message, Transport(by%3))
		if fault == nil && q.Type == ByClientID && q.DUID == nil {
			t.Error("a query by client-id without one was taken")
		}
	})
}
