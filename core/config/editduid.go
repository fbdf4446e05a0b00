package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/wire"
)

// WithDUID returns a configuration's text with the DUID of a node in it: cluster.nodes[].duid of the one of that name, server.duid where
// there is no cluster and node is empty. Everything else stays as it is, comments too. The text must be one that Parse takes. The error
// says where to write it by hand.
func WithDUID(file string, text []byte, node string, duid []byte) ([]byte, error) {
	value := `"` + wire.FormatDUID(duid) + `"`
	by := "write " + "duid: " + value + " into it by hand"
	root := (&checker{}).tree(text)
	if root == nil || root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s has no fields; %s", file, by)
	}
	edited, err := edit(text, root, node, value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %s", file, err, by)
	}
	c, faults := Parse(file, edited)
	if len(faults) > 0 {
		return nil, fmt.Errorf("%s isn't written in a form that can be changed here (%w); %s", file, faults, by)
	}
	if !bytes.Equal(c.duidOf(node), duid) {
		return nil, fmt.Errorf("%s isn't written in a form that can be changed here; %s", file, by)
	}
	return edited, nil
}

// duidOf is a node's own DUID, or without cluster the server's; nil: it has none in the configuration.
func (c *Config) duidOf(node string) []byte {
	if c.Cluster == nil {
		return c.Server.DUID
	}
	for i := range c.Cluster.Nodes {
		if c.Cluster.Nodes[i].Name == node {
			return c.Cluster.Nodes[i].DUID
		}
	}
	return nil
}

func edit(text []byte, root *yaml.Node, node, value string) ([]byte, error) {
	parent := member(root, "server")
	if node != "" {
		nodes := member(member(root, "cluster"), "nodes")
		parent = nil
		for i := 0; nodes != nil && i < len(nodes.Content); i++ {
			if n := nodes.Content[i]; n.Kind == yaml.MappingNode && scalarOf(member(n, "name")) == node {
				parent = n
			}
		}
		if parent == nil {
			return nil, fmt.Errorf("cluster.nodes has no %q that could be found", node)
		}
	}
	switch {
	case parent == nil && root.Style&yaml.FlowStyle != 0:
		return nil, errors.New("all of it stands in braces")
	case parent == nil:
		end := "\n"
		if bytes.HasSuffix(text, []byte("\n")) {
			end = ""
		}
		return append(bytes.Clone(text), end+"server:\n  duid: "+value+"\n"...), nil
	case parent.Kind != yaml.MappingNode || len(parent.Content) == 0:
		return nil, errors.New("server has no fields that could be found")
	}
	if old := member(parent, "duid"); old != nil {
		return replaceScalar(text, old, value)
	}
	return insert(text, parent, value)
}

// member is the value of a mapping's field; nil: there is none.
func member(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalarOf(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// offsetOf is where a node begins in the text.
func offsetOf(text []byte, n *yaml.Node) (int, bool) {
	at := 0
	for range n.Line - 1 {
		end := bytes.IndexByte(text[at:], '\n')
		if end < 0 {
			return 0, false
		}
		at += end + 1
	}
	// Columns count characters, and what stands in front of a field has only the common ones, or the result isn't the wanted one.
	at += n.Column - 1
	return at, at >= 0 && at < len(text)
}

// replaceScalar writes another value in an old one's place.
func replaceScalar(text []byte, old *yaml.Node, value string) ([]byte, error) {
	at, ok := offsetOf(text, old)
	if !ok || old.Kind != yaml.ScalarNode {
		return nil, errors.New("the present duid isn't a plain value")
	}
	end := at + len(old.Value)
	if c := text[at]; c == '"' || c == '\'' {
		closing := bytes.IndexByte(text[at+1:], c)
		if closing < 0 {
			return nil, errors.New("the present duid isn't a plain value")
		}
		end = at + 1 + closing + 1
	}
	if end > len(text) {
		return nil, errors.New("the present duid isn't a plain value")
	}
	return append(append(bytes.Clone(text[:at]), value...), text[end:]...), nil
}

// insert writes the field into a mapping: within braces first, else in a line behind that of the first field.
func insert(text []byte, parent *yaml.Node, value string) ([]byte, error) {
	key := parent.Content[0]
	at, ok := offsetOf(text, key)
	if !ok {
		return nil, errors.New("its fields can't be found")
	}
	added := "duid: " + value + ", "
	if parent.Style&yaml.FlowStyle == 0 {
		added = "duid: " + value + "\n" + strings.Repeat(" ", key.Column-1)
		if first := parent.Content[1]; first.Kind == yaml.ScalarNode && first.Line == key.Line {
			end := bytes.IndexByte(text[at:], '\n')
			if end < 0 {
				return append(bytes.Clone(text), "\n"+strings.Repeat(" ", key.Column-1)+"duid: "+value+"\n"...), nil
			}
			at += end + 1
			added = strings.Repeat(" ", key.Column-1) + "duid: " + value + "\n"
		}
	}
	return append(append(bytes.Clone(text[:at]), added...), text[at:]...), nil
}
