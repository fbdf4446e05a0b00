// Package contract holds what the HTTP interface answers against its OpenAPI document. Tests use it; the program doesn't.
package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"
)

// A Contract is a document that was read.
type Contract struct {
	root       object
	operations map[string]*operation // by method and path, such as GET /v1/state
}

type object = map[string]any

type operation struct {
	path       *regexp.Regexp
	fixed      bool // the path has no variable part
	parameters []string
	content    map[string]object // by status and media type, such as 200 application/json: its schema
	statuses   []string
}

// Read reads a document of OpenAPI 3.1. What it refers to must be in it.
func Read(document []byte) (*Contract, error) {
	c := &Contract{operations: make(map[string]*operation)}
	if err := yaml.Load(document, &c.root); err != nil {
		return nil, fmt.Errorf("the document isn't YAML: %w", err)
	}
	if version, _ := c.root["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		return nil, fmt.Errorf("the document is of OpenAPI %q, not 3.1", version)
	}
	paths, _ := c.root["paths"].(object)
	for path, item := range paths {
		for method, o := range item.(object) {
			read, err := c.operation(path, o.(object))
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			c.operations[strings.ToUpper(method)+" "+path] = read
		}
	}
	return c, nil
}

var variable = regexp.MustCompile(`\\\{[^}]*\\\}`)

func (c *Contract) operation(path string, from object) (*operation, error) {
	o := &operation{content: make(map[string]object), fixed: !strings.Contains(path, "{")}
	o.path = regexp.MustCompile("^" + variable.ReplaceAllString(regexp.QuoteMeta(path), "(.+)") + "$")
	for _, field := range []string{"operationId", "summary", "tags"} {
		if from[field] == nil {
			return nil, fmt.Errorf("has no %s", field)
		}
	}
	parameters, _ := from["parameters"].([]any)
	for _, p := range parameters {
		parameter, err := c.resolve(p)
		if err != nil {
			return nil, err
		}
		if parameter["in"] == "query" {
			o.parameters = append(o.parameters, parameter["name"].(string))
		}
	}
	responses, _ := from["responses"].(object)
	for status, r := range responses {
		response, err := c.resolve(r)
		if err != nil {
			return nil, err
		}
		o.statuses = append(o.statuses, status)
		content, _ := response["content"].(object)
		for media, m := range content {
			schema, _ := m.(object)["schema"].(object)
			o.content[status+" "+media] = schema
		}
	}
	return o, nil
}

// resolve follows a reference.
func (c *Contract) resolve(v any) (object, error) {
	o, _ := v.(object)
	ref, ok := o["$ref"].(string)
	if !ok {
		return o, nil
	}
	at := c.root
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		if at, ok = at[name].(object); !ok {
			return nil, fmt.Errorf("%s isn't in the document", ref)
		}
	}
	return at, nil
}

// Operations are the methods and paths, sorted.
func (c *Contract) Operations() []string { return slices.Sorted(maps.Keys(c.operations)) }

// Parameters are the names of an operation's query parameters; none where there is no such operation.
func (c *Contract) Parameters(operation string) []string {
	if o := c.operations[operation]; o != nil {
		return o.parameters
	}
	return nil
}

// Check holds an answer against the document. Of a path without its query; of NDJSON each line is looked at.
func (c *Contract) Check(method, path string, status int, media string, body []byte) error {
	o := c.find(method, path)
	if o == nil {
		return fmt.Errorf("the document has no %s %s", method, path)
	}
	media, _, _ = strings.Cut(media, ";")
	code := fmt.Sprint(status)
	if !slices.Contains(o.statuses, code) {
		code = "default"
	}
	schema, ok := o.content[code+" "+media]
	if !ok {
		return fmt.Errorf("%s %s: the document has no answer %d of %s", method, path, status, media)
	}
	var err error
	switch media {
	case "application/json":
		err = c.validate(schema, body)
	case "application/x-ndjson":
		for line := range strings.Lines(string(body)) {
			if err = c.validate(schema, []byte(line)); err != nil {
				break
			}
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s: the answer %d isn't as openapi.yaml has it: %w\n%.2000s", method, path, status, err, body)
	}
	return nil
}

// find is the operation of a path: the one without variable parts before others.
func (c *Contract) find(method, path string) (found *operation) {
	for name, o := range c.operations {
		if strings.HasPrefix(name, method+" ") && o.path.MatchString(path) && (found == nil || o.fixed) {
			found = o
		}
	}
	return found
}

// validate holds a JSON text against a schema. Fields that the schema doesn't name are faults here, though clients must bear them.
func (c *Contract) validate(schema object, text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return fmt.Errorf("isn't JSON: %w", err)
	}
	components, _ := c.root["components"].(object)
	whole := strict(schema).(object)
	whole["$defs"] = strict(components["schemas"])
	encoded, err := json.Marshal(whole)
	if err != nil {
		return fmt.Errorf("the schema isn't JSON: %w", err)
	}
	encoded = []byte(strings.ReplaceAll(string(encoded), "#/components/schemas/", "#/$defs/"))
	var s jsonschema.Schema
	if err := json.Unmarshal(encoded, &s); err != nil {
		return fmt.Errorf("the schema can't be read: %w", err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		return fmt.Errorf("the schema can't be resolved: %w", err)
	}
	return resolved.Validate(value)
}

// strict copies a schema and lets its objects have no other fields than those that it names.
func strict(v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v)+1)
		for name, inner := range v {
			out[name] = strict(inner)
		}
		if _, isSchema := v["properties"].(object); isSchema && out["additionalProperties"] == nil {
			out["additionalProperties"] = false
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = strict(v[i])
		}
		return out
	}
	return v
}
