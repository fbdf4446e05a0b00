package config

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/address"
)

// MaxNodes is the most nodes of a cluster.
const MaxNodes = 64

// MaxParts is the most parts of a cluster, as the field's own bound says.
const MaxParts = 256

var (
	uuidForm    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	nodeForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	hexKeyForm  = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	envNameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// cluster checks what the nodes share.
func (c *checker) cluster(raw *rawCluster) *Cluster {
	if raw == nil {
		return nil
	}
	cl := &Cluster{
		ID:     strings.ToLower(raw.ID.value),
		Model:  Model(wordIndex(&raw.Model, "identical|split|unique")),
		Hash:   []address.Algorithm{address.XXH64, address.SHA256}[wordIndex(&raw.Hash, "xxh64|sha256")],
		Favour: Favour(wordIndex(&raw.Favour, "preference|rendezvous|delay")),
		Parts:  int(raw.Parts.or(uint64(len(raw.Nodes)))),
	}
	if raw.ID.ok && (!uuidForm.MatchString(cl.ID) || strings.Trim(cl.ID, "0-") == "") {
		c.fail(raw.ID.place, printable(raw.ID.value)+" isn't a UUID", "`lockstep6 key` makes one")
	}
	c.keys(cl, &raw.Key)
	if len(raw.Nodes) > MaxNodes {
		c.fail(raw.At.in("nodes"), fmt.Sprintf("has %d nodes", len(raw.Nodes)), fmt.Sprintf("up to %d are possible", MaxNodes))
	}
	if n, ok := c.positions["cluster.nodes"]; ok && len(raw.Nodes) == 0 {
		c.fail(place{n.Line, n.Column, "cluster.nodes"}, "has no node", "list each server, or leave out cluster for a single one")
	}
	for i := range raw.Nodes {
		cl.Nodes = append(cl.Nodes, c.node(&raw.Nodes[i]))
	}
	c.twins(raw.Nodes)
	c.parts(cl, raw)
	return cl
}

// wordIndex is the index of a word in its enumeration; 0 is the default.
func wordIndex(t *text, words string) int {
	return max(slices.Index(strings.Split(words, "|"), t.value), 0)
}

func (c *checker) keys(cl *Cluster, raw *rawKey) {
	cl.Key = c.secret(&raw.use)
	seen := map[Secret]bool{cl.Key: raw.use.ok}
	for i := range raw.accept {
		secret := c.secret(&raw.accept[i])
		if raw.accept[i].ok && seen[secret] {
			c.fail(raw.accept[i].place, "is the same key again", "list each once; the one in use is accepted anyway")
		}
		seen[secret] = true
		cl.Accept = append(cl.Accept, secret)
	}
}

// secret checks how a key is given. What is wrong with it is told without showing it.
func (c *checker) secret(t *text) Secret {
	if !t.ok {
		return ""
	}
	name, isFile := strings.CutPrefix(t.value, "file:")
	variable, isEnv := strings.CutPrefix(t.value, "env:")
	switch {
	case isFile && name != "" && !strings.ContainsRune(name, 0):
	case isEnv && envNameForm.MatchString(variable):
	case hexKeyForm.MatchString(t.value):
	default:
		c.fail(t.place, "isn't a key", "write file:NAME, env:NAME or 64 hexadecimal digits; `lockstep6 key` makes one")
	}
	return Secret(t.value)
}

func (c *checker) node(raw *rawNode) Node {
	n := Node{Name: raw.Name.value, Preference: uint8(raw.Preference.value), DUID: raw.DUID.value}
	if raw.Name.ok && !nodeForm.MatchString(n.Name) {
		c.fail(raw.Name.place, printable(n.Name)+" can't be a node's name",
			"write up to 63 letters, digits, dots, hyphens and underscores, and begin with a letter or a digit")
	}
	if raw.Parts != nil {
		n.Parts = []int{}
		for i := range *raw.Parts {
			n.Parts = append(n.Parts, int((*raw.Parts)[i].value))
		}
	}
	if raw.Listen != nil {
		listen := c.listen(raw.Listen)
		n.Listen = &listen
	}
	if raw.Leasequery.ok {
		n.Leasequery, _ = c.socketAddress(&raw.Leasequery)
	}
	for _, e := range raw.Interfaces.entries {
		if n.Interfaces == nil {
			n.Interfaces = make(map[string]string)
		}
		c.interfaceName(&e.name)
		n.Interfaces[e.key] = e.name.value
	}
	return n
}

// twins finds nodes that can't be told apart.
func (c *checker) twins(nodes []rawNode) {
	lines := make(map[string]int)
	for i := range nodes {
		n := &nodes[i]
		if line := lines[n.Name.value]; n.Name.ok && line > 0 {
			c.fail(n.Name.place, fmt.Sprintf("another node is called %s, in line %d", n.Name.value, line), "give each its own name")
		} else if n.Name.ok {
			lines[n.Name.value] = n.Name.line
		}
		for k := range nodes[:i] {
			if other := &nodes[k]; n.DUID.ok && bytes.Equal(n.DUID.value, other.DUID.value) {
				c.fail(n.DUID.place, fmt.Sprintf("the node in line %d has the same DUID", other.At.line), "give each its own, or leave it out")
			}
		}
	}
}

// parts checks who owns which part.
func (c *checker) parts(cl *Cluster, raw *rawCluster) {
	if raw.Parts.ok && cl.Parts < len(cl.Nodes) {
		c.fail(raw.Parts.place, fmt.Sprintf("%d parts don't do for %d nodes", cl.Parts, len(cl.Nodes)), "make one part per node at least")
		return
	}
	owners := make(map[int]string)
	listed := slices.ContainsFunc(raw.Nodes, func(n rawNode) bool { return n.Parts != nil })
	if !listed && cl.Parts > len(cl.Nodes) && len(cl.Nodes) > 0 {
		c.fail(raw.Parts.place, fmt.Sprintf("there are more parts than the %d nodes, and nobody owns them", len(cl.Nodes)),
			"list each node's in cluster.nodes[].parts")
		return
	}
	for i := range raw.Nodes {
		n := &raw.Nodes[i]
		if n.Parts == nil {
			if listed {
				c.fail(n.At.in("parts"), "is missing, though other nodes list theirs", "write which parts the node owns, or []")
			}
			continue
		}
		for k := range *n.Parts {
			part := &(*n.Parts)[k]
			owner, taken := owners[int(part.value)]
			switch {
			case !part.ok:
			case int(part.value) >= cl.Parts:
				c.fail(part.place, fmt.Sprintf("there is no part %d", part.value), fmt.Sprintf("the parts are 0 to %d", cl.Parts-1))
			case taken:
				c.fail(part.place, fmt.Sprintf("part %d belongs to node %s already", part.value, owner), "take it from one of the two")
			default:
				owners[int(part.value)] = n.Name.value
			}
		}
	}
	if listed && len(owners) < cl.Parts {
		c.warn(raw.At, fmt.Sprintf("%d of %d parts belong to no node", cl.Parts-len(owners), cl.Parts),
			"give them to one where none is being moved")
	}
}
