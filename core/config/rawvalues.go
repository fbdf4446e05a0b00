package config

import (
	"reflect"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// rawKey is one secret, or the one to use and further ones to accept.
type rawKey struct {
	leaf
	use    text
	accept []text
}

type rawKeyPair struct {
	At     place  `json:"-"`
	Use    text   `json:"use" jsonschema:"The key that decides addresses." example:"file:new.key"`
	Accept []text `json:"accept,omitempty" jsonschema:"Further keys: addresses that they explain are recognised." example:"[file:old.key]"`
}

func (k *rawKey) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	k.place, k.given = at, true
	if n.Kind == yaml.MappingNode {
		pair := read[rawKeyPair](c, n, at.path, "")
		k.use, k.accept = pair.Use, pair.Accept
		return
	}
	k.use.read(c, n, at, tag)
}

// rawPool is one block for all nodes, or a map from each node to its own.
type rawPool struct {
	leaf
	blocks []rawNodeBlock
}

type rawNodeBlock struct {
	node string // "": all nodes
	at   place  // of the node's name
	block
}

func (p *rawPool) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	p.place, p.given = at, true
	if n.Kind != yaml.MappingNode {
		b := rawNodeBlock{at: at}
		b.read(c, n, at, tag)
		p.blocks = []rawNodeBlock{b}
		return
	}
	c.pairs(n, at, func(key string, keyAt place, n *yaml.Node) {
		p.blocks = append(p.blocks, rawNodeBlock{key, keyAt, read[block](c, n, keyAt.path, tag)})
	})
}

// perNode tells whether the pool is a map.
func (p *rawPool) perNode() bool { return len(p.blocks) != 1 || p.blocks[0].node != "" }

// rawRemoteID is a Remote-ID's value for any enterprise number, or for one.
type rawRemoteID struct {
	leaf
	id         octets
	enterprise number
}

type rawEnterpriseID struct {
	At         place  `json:"-"`
	Enterprise number `json:"enterprise,omitempty" jsonschema:"The relay vendor's enterprise number." default:"any" example:"4491"`
	ID         octets `json:"id" jsonschema:"Text, or hexadecimal as 0x0a0b or 0a:0b." min:"1" max:"255" example:"line-17"`
}

func (r *rawRemoteID) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	r.place, r.given = at, true
	if n.Kind == yaml.MappingNode {
		pair := read[rawEnterpriseID](c, n, at.path, "")
		r.id, r.enterprise = pair.ID, pair.Enterprise
		return
	}
	r.id.read(c, n, at, `min:"1" max:"255"`)
}

// rawMapping maps labels to names.
type rawMapping struct {
	leaf
	entries []rawEntry
}

type rawEntry struct {
	key  string
	at   place
	name text
}

func (m *rawMapping) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	m.place, m.given = at, true
	c.pairs(n, at, func(key string, keyAt place, n *yaml.Node) {
		m.entries = append(m.entries, rawEntry{key, keyAt, read[text](c, n, keyAt.path, tag)})
	})
}

// codeRef is an option by its code or its name.
type codeRef struct {
	leaf
	code uint16
	name string // "" where the code is given
}

func (r *codeRef) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	r.place, r.given = at, true
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		c.fail(at, "is "+describe(n)+", not an option", "write its name or its code")
		return
	}
	if n.ShortTag() != "!!int" {
		r.name, r.ok = n.Value, true
		return
	}
	code, err := strconv.ParseUint(n.Value, 0, 16)
	if err != nil || code == 0 {
		c.fail(at, "is "+printable(n.Value), "option codes are from 1 to 65535")
		return
	}
	r.code, r.ok = uint16(code), true
}

// anything is a value whose type isn't known yet.
type anything struct {
	leaf
	node *yaml.Node
}

func (a *anything) read(_ *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	a.place, a.given, a.ok, a.node = at, true, true, n
}

// rawOptions are options by their names, and the fields beside them that aren't options.
type rawOptions struct {
	leaf
	optionLists
	named []namedOption
}

type namedOption struct {
	name string
	at   place
	node *yaml.Node
}

type rawCustom struct {
	At    place       `json:"-"`
	Code  number      `json:"code" jsonschema:"The option's code." min:"1" max:"65535" example:"250"`
	Hex   hexadecimal `json:"hex,omitempty" jsonschema:"Its data in hexadecimal." min:"0" max:"65535" example:"0a0b"`
	Type  texts       `json:"type,omitempty" jsonschema:"The type of its data, or the types of a record's fields, instead of hex." example:"[uint16, ipv6-address]"`
	Array flag        `json:"array,omitempty" jsonschema:"Whether the type, or a record's last one, repeats." default:"false" example:"false"`
	Value anything    `json:"value,omitempty" jsonschema:"The data in that type; a record's or an array's as a list." example:"[7, \"2001:db8::1\"]"`
}

// optionLists are the fields of options that aren't options.
type optionLists struct {
	Custom []rawCustom `json:"custom,omitempty" jsonschema:"Any options by their codes." example:"[{code: 250, hex: 0a0b}]"`
	Always []codeRef   `json:"always,omitempty" jsonschema:"Options to send though the client didn't ask for them, by name or code." example:"[dns-servers]"`
	Never  []codeRef   `json:"never,omitempty" jsonschema:"Inherited options not to send here, by name or code." example:"[domain-search]"`

	Withhold []codeRef `json:"withhold,omitempty" jsonschema:"Options not to send to these clients whatever sets them, be it a reservation, a class, a pool, the link or the top of the file; by name or code." example:"[captive-portal]"`
}

func (o *rawOptions) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	o.place, o.given = at, true
	lists := reflect.ValueOf(&o.optionLists).Elem()
	c.pairs(n, at, func(key string, keyAt place, n *yaml.Node) {
		for _, f := range fieldsOf(lists.Type()) {
			if f.name == key {
				c.into(n, keyAt.path, lists.Field(f.index), f.tag)
				return
			}
		}
		if n = c.resolve(n); n != nil && !isNull(n) {
			c.positions[keyAt.path] = Position{n.Line, n.Column}
			o.named = append(o.named, namedOption{key, keyAt, n})
		}
	})
}

// rawSuboptions are suboptions by name or by code.
type rawSuboptions struct{ anything }

// rawDefinition names an option, or a suboption of a vendor's, and its type.
type rawDefinition struct {
	At         place              `json:"-"`
	Name       text               `json:"name" jsonschema:"How options call it: lower-case letters, digits and hyphens." example:"site-contact"`
	Code       number             `json:"code" jsonschema:"The option's code." min:"1" max:"65535" example:"250"`
	Enterprise number             `json:"enterprise,omitempty" jsonschema:"The vendor's number, where it is a suboption in vendor-options and no option of its own." example:"32473"`
	Type       texts              `json:"type,omitempty" jsonschema:"The type of its data, or the types of a record's fields." default:"suboptions, where there are some; else required" example:"[uint16, fqdn]"`
	Array      flag               `json:"array,omitempty" jsonschema:"Whether the type, or a record's last one, repeats." default:"false" example:"true"`
	Suboptions []rawSubdefinition `json:"suboptions,omitempty" jsonschema:"Names for what stands in the option, where its last type is suboptions." example:"[{name: contact-mail, code: 1, type: string}]"`
}

// rawSubdefinition is a rawDefinition of a suboption.
type rawSubdefinition struct {
	At    place  `json:"-"`
	Name  text   `json:"name" jsonschema:"How options call it: lower-case letters, digits and hyphens." example:"contact-mail"`
	Code  number `json:"code" jsonschema:"The suboption's code." min:"1" max:"65535" example:"1"`
	Type  texts  `json:"type" jsonschema:"The type of its data, or the types of a record's fields." example:"string"`
	Array flag   `json:"array,omitempty" jsonschema:"Whether the type, or a record's last one, repeats." default:"false" example:"true"`
}
