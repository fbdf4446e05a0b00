package events

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/io/hook"
)

// Shards is into how many parts clients are dealt out by their DUIDs, as subjects name them.
const Shards = 64

// An Event is what hooks are told, and what tells it apart on its way to many receivers.
type Event struct {
	hook.Event
	Hook    string    `json:"hook,omitempty"`    // takes the place of the hook's name: there is none
	Cluster string    `json:"cluster"`           // the configuration's name for it
	ID      string    `json:"id"`                // the same whenever the event is told again
	Version uint64    `json:"version,omitempty"` // of the lease: grows with each of its changes. 0: it is about no lease
	Time    time.Time `json:"time"`              // of the change's commit, to the second; of an item of a list, when it was looked at

	ordinal int // tells those of one change apart
}

// A Message is an event on its way.
type Message struct {
	ID      string
	Key     string // tells clients apart, and no more: of one DUID always the same. Empty: of a list's beginning or end
	Subject string // the part of a subject: the client's shard as two hexadecimal digits, or "list"
	Body    []byte
}

// listSubject is the part of a subject of a list's beginning and end.
const listSubject = "list"

// message encodes an event, whose identifiers are set.
func (e *Event) message() (Message, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return Message{}, err
	}
	m := Message{ID: e.ID, Subject: listSubject, Body: body}
	if e.Lease != "" {
		hash := xxhash.Sum64String(e.DUID)
		m.Key, m.Subject = fmt.Sprintf("%016x", hash), fmt.Sprintf("%02x", hash%Shards)
	}
	return m, nil
}

// identify names an event.
func (e *Event) identify() {
	if e.Lease == "" {
		e.ID = fmt.Sprintf("%s/%s/%d/%s", e.Cluster, e.Node, e.List, e.Event.Event)
		return
	}
	at := e.Time.Unix()
	if e.Event.Event == hook.ListItem {
		at = e.List
	}
	e.ID = fmt.Sprintf("%s/%s/%s/%d/%d/%d", e.Cluster, e.Node, e.Lease, e.Version, at, e.ordinal)
}
