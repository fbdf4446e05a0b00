// Package kea translates the configuration of Kea's DHCPv6 server into ours. It reads what Kea reads, refuses what Kea refuses, and says of
// each setting that has no equal that it hasn't.
package kea

import (
	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// An Input is what is translated.
type Input struct {
	File     string // the configuration's name in messages
	Data     []byte
	Source   Source // reads included files
	D2File   string // the name of the configuration of kea-dhcp-ddns; "": there is none
	D2       []byte
	ServerID string // what Kea's file kea-dhcp6-serverid says, or ""
}

// A Result is what became of a configuration.
type Result struct {
	Draft   *draft.Draft
	Secrets []draft.Secret // files beside the new configuration, which names them
}

// Convert translates a configuration. The error is a draft.Fault or draft.Faults where Kea itself would refuse it.
func Convert(in Input) (*Result, error) {
	root, err := parse(in.File, in.Data, in.Source)
	if err != nil {
		return nil, err
	}
	t := &translator{in: in, d: draft.New(), options: make(map[*value][]*datum), class: make(map[string]*class), usedNames: make(map[string]bool)}
	if t.checkMap(root, "", "the file"); len(t.faults) > 0 {
		return nil, t.sorted()
	}
	if t.kea = root.get("Dhcp6").valueOf(); t.kea == nil {
		return nil, draft.Fault{At: root.at, Problem: "the file has no Dhcp6", Remedy: "it isn't a configuration of kea-dhcp6"}
	}
	if len(t.kea.fields) == 0 {
		return nil, draft.Fault{At: t.kea.at, Problem: "Dhcp6 is empty"}
	}
	var d2 *value
	if in.D2File != "" {
		if d2, err = parse(in.D2File, in.D2, in.Source); err != nil {
			return nil, err
		}
		if t.checkMap(d2, "d2", "the file"); len(t.faults) > 0 {
			return nil, t.sorted()
		}
		t.d2 = d2.get("DhcpDdns").valueOf()
	}
	if t.translate(); len(t.faults) > 0 {
		return nil, t.sorted()
	}
	t.sweep(root, "")
	if d2 != nil {
		t.sweep(d2, "")
	}
	t.d.Took(max(0, t.count(root)+t.count(d2)-t.without))
	return &Result{Draft: t.d, Secrets: t.secrets}, nil
}

func (t *translator) sorted() error {
	t.faults.Sort()
	return t.faults
}

// valueOf is a field's value, or nil.
func (f *field) valueOf() *value {
	if f == nil {
		return nil
	}
	return f.value
}

// translator goes through one configuration.
type translator struct {
	in        Input
	d         *draft.Draft
	kea       *value // Dhcp6
	d2        *value // DhcpDdns, or nil
	faults    draft.Faults
	secrets   []draft.Secret
	without   int // settings without an equal
	defs      definitions
	own       []*definition          // of option-def
	named     map[*definition]string // their names in our configuration
	options   map[*value][]*datum    // what is read already
	class     map[string]*class      // by Kea's name
	classes   []*class               // in the order of our configuration
	links     []*link
	global    []*host         // global reservations, read once
	names     bool            // a reservation has a hostname
	knows     bool            // some class asks whether the client has a reservation
	usedNames map[string]bool // of our links
	vendors   bool            // the note on vendors' options is written
	listening []string        // interfaces that Kea listens on; empty: all
	anywhere  bool            // it listens on all
}

// translate goes through the sections. What later ones need comes first.
func (t *translator) translate() {
	t.knows = t.kea.asksKnown("")
	t.defineAll(t.kea)
	t.putDefinitions()
	t.readInterfaces()
	t.readClasses()
	t.readLinks()
	t.checkRest()
	if len(t.faults) > 0 {
		return
	}
	t.globals()
	t.putLinks()
	t.putClasses()
	t.hooks()
	t.ddns()
	t.rest()
}

// globals writes what holds on all links.
func (t *translator) globals() {
	root := t.d.Root()
	t.serverID(root)
	life := root.Map("lifetimes")
	t.putLifetimes(life, t.lifetimesOf(t.kea))
	t.wishes(life, t.kea)
	t.allocation(root)
	if p := t.putOptions(root, t.readOptions(t.kea)); p != nil {
		t.preference(root, p)
	}
	if f := t.kea.get("rapid-commit"); f != nil && f.flag {
		root.Set("rapid-commit", draft.Text("all"))
	}
}
