package config

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// redacted stands for a secret that was written into the file.
const redacted = "(redacted)"

// Redacted is the file as it was written, made of maps, lists, numbers, truth values and text. In the place of each secret
// that stands in the file itself it has "(redacted)"; file:NAME and env:NAME only tell where one is, and stay.
func (c *Config) Redacted() any {
	var documents []yaml.Node
	if err := yaml.Load(c.Source, &documents, yaml.WithAllDocuments()); err != nil || len(documents) == 0 || len(documents[0].Content) == 0 {
		return nil // not a file that Parse took
	}
	return plain(documents[0].Content[0], reflect.TypeFor[rawConfig](), false)
}

// plain turns a node of a raw type into what JSON can say. Below a field with the tag secret all is one.
func plain(n *yaml.Node, t reflect.Type, secret bool) any {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, inner, hide := n.Content[i], t, secret
			for name.Kind == yaml.AliasNode {
				name = name.Alias
			}
			if f, ok := fieldCalled(name.Value, t); ok {
				inner, hide = t.Field(f.index).Type, secret || f.tag.Get("secret") != ""
			}
			out[name.Value] = plain(n.Content[i+1], inner, hide)
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			out[i] = plain(item, t, secret)
		}
		return out
	}
	return scalar(n, secret)
}

func fieldCalled(name string, t reflect.Type) (field, bool) {
	if t.Kind() != reflect.Struct {
		return field{}, false
	}
	for _, f := range fieldsOf(t) {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func scalar(n *yaml.Node, secret bool) any {
	if secret && !strings.HasPrefix(n.Value, "file:") && !strings.HasPrefix(n.Value, "env:") {
		return redacted
	}
	switch n.ShortTag() {
	case "!!int":
		if v, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return v // in another base it is octets more often than a number
		}
	case "!!float":
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return v
		}
	case "!!bool":
		return n.Value == "true"
	case "!!null":
		return nil
	}
	return n.Value
}
