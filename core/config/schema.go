package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"
)

// Schema is the JSON Schema of a configuration file, for editors that complete and check it while it is written.
// What it accepts can still be refused by Parse, which knows more; what it refuses isn't a configuration.
// Names from option-definitions are accepted, since a schema can't know them.
func Schema() ([]byte, error) {
	m, err := newSchemaMaker()
	if err != nil {
		return nil, err
	}
	s, err := m.of(reflect.TypeFor[rawConfig]())
	if err != nil {
		return nil, err
	}
	if s.Defs, err = m.conditions(); err != nil {
		return nil, err
	}
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "lockstep6 configuration"
	return json.MarshalIndent(s, "", "  ")
}

// A schemaMaker makes schemas of raw types. It knows those of the values that read themselves.
type schemaMaker struct {
	known map[reflect.Type]*jsonschema.Schema
}

func newSchemaMaker() (*schemaMaker, error) {
	word := &jsonschema.Schema{Types: []string{"string", "integer"}} // what looks like a number is text too
	text6 := &jsonschema.Schema{Type: "string", Pattern: ":"}
	whole := &jsonschema.Schema{Type: "integer"}
	kinds := architectureSchema()
	m := &schemaMaker{known: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[text]():          word,
		reflect.TypeFor[hexadecimal]():   word,
		reflect.TypeFor[octets]():        word,
		reflect.TypeFor[codeRef]():       word,
		reflect.TypeFor[domain]():        {Type: "string"},
		reflect.TypeFor[zoneName]():      {Type: "string"},
		reflect.TypeFor[ip4]():           {Type: "string", Format: "ipv4"},
		reflect.TypeFor[subnet4]():       {Type: "string", Pattern: "/"},
		reflect.TypeFor[ip]():            anyOf(&jsonschema.Schema{Type: "string", Format: "ipv6"}, &jsonschema.Schema{Type: "string", Pattern: `\+.*:`}),
		reflect.TypeFor[subnet]():        text6,
		reflect.TypeFor[block]():         text6,
		reflect.TypeFor[number]():        whole,
		reflect.TypeFor[fraction]():      {Type: "number"},
		reflect.TypeFor[flag]():          {Type: "boolean"},
		reflect.TypeFor[architecture]():  kinds,
		reflect.TypeFor[anything]():      {},
		reflect.TypeFor[rawSuboptions](): {Types: []string{"object", "array"}},
		reflect.TypeFor[span]():          anyOf(whole, &jsonschema.Schema{Type: "string", Pattern: "^(infinite|[0-9]+|([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s?)?)$"}),
		reflect.TypeFor[texts]():         anyOf(word, &jsonschema.Schema{Type: "array", Items: word}),
		reflect.TypeFor[rawPool]():       anyOf(text6, tableOf(text6)),
		reflect.TypeFor[rawMapping]():    tableOf(word),
	}}
	for list, item := range map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[many[text]](): word, reflect.TypeFor[many[octets]](): word, reflect.TypeFor[many[codeRef]](): word,
		reflect.TypeFor[many[number]](): whole, reflect.TypeFor[many[subnet]](): text6, reflect.TypeFor[many[architecture]](): kinds,
	} {
		m.known[list] = anyOf(item, &jsonschema.Schema{Type: "array", Items: item})
	}
	m.known[reflect.TypeFor[rawCondition]()] = &jsonschema.Schema{Ref: conditionRef}
	for composed, inner := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[rawKey]():                            reflect.TypeFor[rawKeyPair](),
		reflect.TypeFor[rawRemoteID]():                       reflect.TypeFor[rawEnterpriseID](),
		reflect.TypeFor[rawBootVendor]():                     reflect.TypeFor[rawBootVendorClass](),
		reflect.TypeFor[matcher[rawComparisons]]():           reflect.TypeFor[rawComparisons](),
		reflect.TypeFor[matcher[rawHexComparisons]]():        reflect.TypeFor[rawHexComparisons](),
		reflect.TypeFor[matcher[rawDUIDComparisons]]():       reflect.TypeFor[rawDUIDComparisons](),
		reflect.TypeFor[matcher[rawEnterpriseComparisons]](): reflect.TypeFor[rawEnterpriseComparisons](),
	} {
		s, err := m.of(inner)
		if err != nil {
			return nil, err
		}
		m.known[composed] = anyOf(word, s)
		if composed != reflect.TypeFor[rawKey]() && composed != reflect.TypeFor[rawRemoteID]() && composed != reflect.TypeFor[rawBootVendor]() {
			m.known[composed] = anyOf(word, s, &jsonschema.Schema{Type: "array", Items: word})
		}
	}
	s, err := m.options()
	m.known[reflect.TypeFor[rawOptions]()] = s
	return m, err
}

// conditions are the schemas of classes' conditions, which refer to themselves.
func (m *schemaMaker) conditions() (map[string]*jsonschema.Schema, error) {
	s, err := m.of(reflect.TypeFor[rawTests]())
	if err != nil {
		return nil, err
	}
	list := &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Ref: conditionRef}}
	return map[string]*jsonschema.Schema{"condition": {AnyOf: []*jsonschema.Schema{s, list}}}, nil
}

// architectureSchema is a name or a number.
func architectureSchema() *jsonschema.Schema {
	names := &jsonschema.Schema{Type: "string"}
	for _, name := range slices.Sorted(maps.Keys(architectures)) {
		names.Enum = append(names.Enum, name)
	}
	return anyOf(names, &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(0.0), Maximum: jsonschema.Ptr(65535.0)})
}

const conditionRef = "#/$defs/condition"

func anyOf(schemas ...*jsonschema.Schema) *jsonschema.Schema {
	s := &jsonschema.Schema{}
	for _, sub := range schemas {
		s.AnyOf = append(s.AnyOf, sub.CloneSchemas())
	}
	return s
}

func tableOf(values *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", AdditionalProperties: values.CloneSchemas()}
}

// of makes the schema of a raw type.
func (m *schemaMaker) of(t reflect.Type) (*jsonschema.Schema, error) {
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: m.known})
	if err != nil {
		return nil, fmt.Errorf("schema of %v: %w", t, err)
	}
	return s, m.refine(t, s)
}

// refine adds to a schema what the tags tell.
func (m *schemaMaker) refine(t reflect.Type, s *jsonschema.Schema) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			s = s.Items
		} else if len(s.AnyOf) > 0 {
			s.Types = nil // the alternatives say it
		}
		t = t.Elem()
	}
	if _, leaf := m.known[t]; leaf || t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range fieldsOf(t) {
		sub := s.Properties[f.name]
		if err := m.refine(t.Field(f.index).Type, sub); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := describeSchema(sub, f.tag); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// describeSchema adds words, bounds, the default and an example.
func describeSchema(s *jsonschema.Schema, tag reflect.StructTag) error {
	if def := tag.Get("default"); def != "" {
		s.Description += " Default: " + def + "."
	}
	if zero := tag.Get("zero"); zero != "" {
		s.Description += " 0: " + zero + "."
	}
	if example := tag.Get("example"); example != "" {
		var v any
		if err := yaml.Load([]byte(example), &v); err != nil {
			return fmt.Errorf("example %s: %w", example, err)
		}
		s.Examples = []any{v}
	}
	inner := s
	if s.Items != nil {
		inner = s.Items
	}
	if words := tag.Get("enum"); words != "" {
		inner.Type, inner.Types = "string", nil
		for word := range strings.SplitSeq(words, "|") {
			inner.Enum = append(inner.Enum, word)
		}
	}
	bound := func(s *jsonschema.Schema) {
		if s.Type == "integer" || slices.Equal(s.Types, []string{"null", "integer"}) {
			low, high := bounds(tag)
			s.Minimum, s.Maximum = jsonschema.Ptr(float64(low)), jsonschema.Ptr(float64(high))
		} else if s.Type == "number" {
			low, high := fractionBounds(tag)
			s.Minimum, s.Maximum = &low, &high
		}
	}
	bound(inner)
	for _, alternative := range inner.AnyOf {
		bound(alternative)
	}
	return nil
}

// options is the schema of options: all that have names, and the fields beside them.
func (m *schemaMaker) options() (*jsonschema.Schema, error) {
	s, err := m.of(reflect.TypeFor[optionLists]())
	if err != nil {
		return nil, err
	}
	s.AdditionalProperties = nil
	for i := range optionSpecs {
		spec := &optionSpecs[i]
		for k, name := range spec.names {
			option, err := m.option(spec)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			option.Description = fmt.Sprintf("%s Option %d.", spec.about, spec.code)
			if k > 0 {
				option.Description += " Another name of " + spec.names[0] + "."
			}
			s.Properties[name] = option
			s.PropertyOrder = append(s.PropertyOrder, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ownedNames())) {
		s.Properties[name] = &jsonschema.Schema{Not: &jsonschema.Schema{}, Description: "Can't be set: " + ownedNames()[name] + "."}
	}
	return s, nil
}

// ownedNames are the names of options that a file can't set, with the reasons.
func ownedNames() map[string]string {
	out := make(map[string]string)
	for _, o := range ownedOptions {
		for _, name := range o.names {
			out[name] = o.reason
		}
	}
	return out
}

func (m *schemaMaker) option(spec *optionSpec) (*jsonschema.Schema, error) {
	if spec.raw != nil {
		s, err := m.of(spec.raw)
		if err != nil {
			return nil, err
		}
		return s, describeSchema(s, reflect.StructTag(fmt.Sprintf("%s example:%q", spec.tag, spec.example)))
	}
	items := make([]*jsonschema.Schema, len(spec.types))
	for i, t := range spec.types {
		items[i] = m.datum(t)
	}
	s := &jsonschema.Schema{Type: "array"}
	switch {
	case len(items) == 1 && !spec.array:
		s = items[0]
	case len(items) == 1:
		s.Items = items[0]
		s = anyOf(items[0], s)
	case spec.array:
		s.PrefixItems, s.Items, s.MinItems = items, items[len(items)-1], jsonschema.Ptr(len(items))
	default:
		s.PrefixItems, s.MinItems, s.MaxItems = items, jsonschema.Ptr(len(items)), jsonschema.Ptr(len(items))
	}
	s = s.CloneSchemas()
	return s, describeSchema(s, reflect.StructTag(fmt.Sprintf("example:%q", spec.example)))
}

func (m *schemaMaker) datum(t dataType) *jsonschema.Schema {
	leaf := map[dataType]reflect.Type{
		"ipv6-address": reflect.TypeFor[ip](), "ipv6-prefix": reflect.TypeFor[subnet](), "ipv4-address": reflect.TypeFor[ip4](),
		"fqdn": reflect.TypeFor[domain](), "boolean": reflect.TypeFor[flag](), "empty": reflect.TypeFor[flag](),
		"psid": reflect.TypeFor[text](), "suboptions": reflect.TypeFor[rawSuboptions](),
		"binary": reflect.TypeFor[hexadecimal](), "string": reflect.TypeFor[text](), "tuple": reflect.TypeFor[text](),
	}[t]
	if leaf == nil {
		leaf = reflect.TypeFor[number]()
	}
	return m.known[leaf].CloneSchemas()
}
