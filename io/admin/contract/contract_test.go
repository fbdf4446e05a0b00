package contract

import (
	"strings"
	"testing"
)

const document = `
openapi: 3.1.0
paths:
  /v1/things:
    get:
      operationId: things
      summary: Things
      tags: [x]
      parameters: [{$ref: "#/components/parameters/kind"}, {name: id, in: path}]
      responses:
        "200": {content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
        default: {content: {application/json: {schema: {type: object, required: [error]}}}}
  /v1/{name}:
    get:
      operationId: any
      summary: Any
      tags: [x]
      responses: {"200": {content: {application/x-ndjson: {schema: {type: integer}}}}}
components:
  parameters: {kind: {name: kind, in: query}}
  schemas:
    Thing: {type: object, required: [a], properties: {a: {type: string}, b: {$ref: "#/components/schemas/Thing"}}}
`

func TestCheck(t *testing.T) {
	c, err := Read([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Operations(), ", ") + ": " + strings.Join(c.Parameters("GET /v1/things"), ", "); got != "GET /v1/things, GET /v1/{name}: kind" {
		t.Errorf("operations and parameters: %s", got)
	}
	for _, test := range []struct {
		path   string
		status int
		media  string
		body   string
		want   string // in the error; empty: none
	}{
		{"/v1/things", 200, "application/json", `{"a":"x","b":{"a":"y"}}`, ""},
		{"/v1/things", 200, "application/json", `{"a":"x","b":{}}`, "required"},
		{"/v1/things", 200, "application/json", `{"a":"x","b":{"a":"y","c":1}}`, "additional"},
		{"/v1/things", 200, "application/json", `{"a":`, "isn't JSON"},
		{"/v1/things", 200, "text/html", ``, "no answer 200 of text/html"},
		{"/v1/things", 404, "application/json", `{"error":"x"}`, ""},
		{"/v1/things", 404, "application/json", `{}`, "required"},
		{"/v1/other", 200, "application/x-ndjson; charset=x", "1\n2\n", ""},
		{"/v1/other", 200, "application/x-ndjson", "1\n\"2\"\n", "isn't as openapi.yaml has it"},
		{"/v1/other", 404, "application/json", `{"error":"x"}`, "no answer 404"},
		{"/v2", 200, "application/json", `{}`, "has no GET /v2"},
	} {
		err := c.Check("GET", test.path, test.status, test.media, []byte(test.body))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %d %s: %v, want %q", test.path, test.status, test.body, err, test.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"openapi: [":                             "isn't YAML",
		"openapi: 3.0.0":                         "not 3.1",
		"openapi: 3.1.0\npaths: {/x: {get: {}}}": "has no operationId",
		"openapi: 3.1.0\npaths: {/x: {get: {operationId: x, summary: x, tags: [], responses: {'200': {$ref: '#/a/b'}}}}}": "#/a/b isn't in the document",
	} {
		if _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
