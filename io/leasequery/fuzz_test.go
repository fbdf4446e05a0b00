package leasequery

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// FuzzResponder has a server answer whatever comes by TCP. What it sends is whole messages, of queries that were asked, about clients
// that there are, and no more of them than were asked for; it keeps no more than a message and ends with the stream.
func FuzzResponder(f *testing.F) {
	var all []byte
	for _, q := range goldenQueries() {
		f.Add(q, byte(1))
		all = append(all, q...)
	}
	f.Add(all, byte(3))
	f.Add(append(slices.Clone(goldenQueries()[7]), 22, 3, 1, 0, 1, 0), byte(4))
	f.Fuzz(func(t *testing.T, octets []byte, how byte) {
		config := Config{Active: how&1 != 0, Insecure: how&2 != 0, Required: how&8 != 0}
		if how&4 != 0 {
			config.TLS = &tls.Config{}
		}
		at, c, _ := answering(config).play(octets, int(how>>4))
		if at.ends > 2 || cap(c.in) > 0xffff || cap(c.out.pending) > 2*(writeSize+frameHeader+0xffff) {
			t.Errorf("the end was read %d times, %d octets are kept of what came and %d of what goes", at.ends, cap(c.in), cap(c.out.pending))
		}
		checkTold(t, octets, at.told(), config.TLS != nil)
	})
}

// checkTold holds what a server sent against what it was asked.
func checkTold(t *testing.T, asked, told []byte, secured bool) {
	questions, _ := frames(asked)
	open := make(map[[3]byte]int)
	for _, q := range questions {
		if len(q) >= 4 {
			open[[3]byte(q[1:])]++
		}
	}
	answers, rest := frames(told)
	for _, b := range answers {
		a, err := query.ReadAnswer(b)
		switch {
		case err != nil:
			t.Fatalf("%x is sent: %v", b, err)
		case (a.Type == wire.LeasequeryReply || a.Type == wire.Reply) && open[a.TransactionID] == 0:
			t.Errorf("%x answers nothing that is still open", b)
		case a.Type == wire.LeasequeryReply || a.Type == wire.Reply:
			open[a.TransactionID]--
		}
		for i := range a.Clients {
			if !slices.ContainsFunc(crowd(3), func(found query.Found) bool { return string(found.Client.DUID()) == string(a.Clients[i].DUID) }) {
				t.Errorf("%x tells of a client that isn't there", b)
			}
		}
		if secured && a.Type == wire.Reply && !a.HasStatus {
			return // what follows is TLS
		}
	}
	if len(rest) > 0 {
		t.Errorf("%x is no whole message", rest)
	}
}

// asked is the transaction-id of the queries whose answers are made up.
var asked = [3]byte{1, 2, 3}

// FuzzRequestor has a requestor hear whatever a server sends. What it takes is of its own query, begins with a reply that is to it, and has clients
// with leases; and an answer counts as whole only where its last message says so, without a refusal.
func FuzzRequestor(f *testing.F) {
	reply := framed(query.AppendClient(identified(wire.LeasequeryReply, asked, requestor), client(1, 0).Client, &query.Question{}, 1000, nil))
	stray := framed(identified(wire.LeasequeryReply, [3]byte{9}, requestor))
	data := framed(query.AppendClient(wire.AppendHeader(nil, wire.LeasequeryData, asked), client(2, 0).Client,
		&query.Question{Options: []byte{0, byte(wire.OptionIANA)}}, 1000, nil))
	missing := framed(wire.AppendStatus(wire.AppendHeader(nil, wire.LeasequeryData, asked), wire.StatusDataMissing, "gone"))
	done := framed(wire.AppendHeader(nil, wire.LeasequeryDone, asked))
	f.Add(slices.Concat(reply, stray, data, done), byte(0))
	f.Add(slices.Concat(reply, missing, data), byte(1))
	f.Add(framed(identified(wire.LeasequeryReply, asked, requestor)), byte(0))
	f.Add(slices.Concat(framed(wire.AppendHeader(nil, wire.Reply, asked)), []byte{22, 3, 3, 0, 1, 0}), byte(2))
	f.Fuzz(func(t *testing.T, octets []byte, how byte) {
		at := newTape(octets, int(how>>4))
		r := &Requestor{DUID: requestor, TLS: &tls.Config{ServerName: "node-a"}}
		if how%4 == 2 {
			if err := awaitTLS(context.Background(), at, asked); err == nil && !isGoAhead(octets) {
				t.Error("what isn't a REPLY to STARTTLS is taken for one")
			}
			return
		}
		kind := []wire.MessageType{wire.Leasequery, wire.ActiveLeasequery}[how%2]
		taken := 0
		err := r.listen(context.Background(), at, asked, kind, time.Minute, func(a query.Answer) bool {
			checkTaken(t, &a, kind, taken)
			taken++
			return taken < 50
		})
		last, rest := frames(octets[:len(octets)-at.in.Len()])
		switch {
		case err == nil && (taken == 0 || len(rest) > 0):
			t.Errorf("an answer of %d messages is whole", taken)
		case err == nil:
			checkEnd(t, last[len(last)-1], kind)
		case errors.Is(err, errEnough) && taken < 50:
			t.Error(err)
		}
	})
}

// isGoAhead tells whether a stream begins with the answer to a STARTTLS message that lets TLS begin.
func isGoAhead(b []byte) bool {
	all, _ := frames(b)
	if len(all) == 0 || len(all[0]) < 4 || wire.MessageType(all[0][0]) != wire.Reply || [3]byte(all[0][1:]) != asked {
		return false
	}
	code, has := wire.Options(all[0][4:]).Find(wire.OptionStatusCode)
	return !has || string(code[:2]) == "\x00\x00" || len(all[0]) > 4+2*6 // of several the last one counts
}

// checkTaken checks one message of an answer that has reached who asked.
func checkTaken(t *testing.T, a *query.Answer, kind wire.MessageType, number int) {
	good := !a.HasStatus || a.Status == wire.StatusSuccess ||
		kind == wire.ActiveLeasequery && (a.Status == wire.StatusDataMissing || a.Status == wire.StatusCatchUpComplete)
	switch {
	case a.TransactionID != asked || !good || a.Type == wire.Reply:
		t.Errorf("%+v is taken", a)
	case (number == 0) != (a.Type == wire.LeasequeryReply):
		t.Errorf("message %d is a %s", number, a.Type)
	case number == 0 && (a.ServerID == nil || string(a.Requestor) != string(requestor)):
		t.Errorf("the reply %+v is taken", a)
	}
	for _, c := range a.Clients {
		if len(c.DUID) < wire.MinDUID || len(c.DUID) > wire.MaxDUID || len(c.Leases) == 0 {
			t.Errorf("client %+v is taken", c)
		}
		for _, l := range c.Leases {
			checkLease(t, &l)
		}
		for i := range c.Associations {
			checkLease(t, &c.Associations[i].Lease)
		}
	}
}

func checkLease(t *testing.T, l *query.Lease) {
	if l.Kind == wire.IANA && l.Key.Length != 128 || l.Kind == wire.IAPD && (l.Key.Length == 0 || l.Key.Length > 128) || l.Kind != wire.IANA && l.Kind != wire.IAPD {
		t.Errorf("lease %+v is taken", l)
	}
}

// checkEnd checks the message with which a whole answer ended.
func checkEnd(t *testing.T, last []byte, kind wire.MessageType) {
	a, err := query.ReadAnswer(last)
	empty := kind == wire.Leasequery && a.Type == wire.LeasequeryReply && len(a.Clients) == 0
	told := kind == wire.ActiveLeasequery && (a.Status == wire.StatusDataMissing || a.Status == wire.StatusCatchUpComplete)
	if err != nil || a.TransactionID != asked || a.Type != wire.LeasequeryDone && !empty || a.HasStatus && a.Status != wire.StatusSuccess && !told {
		t.Errorf("an answer ends with %x", last)
	}
}
