package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
)

var controlRoutes = []route{
	{"GET", "/v1/config", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, node.Configuration())
	}},
	{"GET", "/v1/log-level", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, node.LogLevel())
	}},
	{"PUT", "/v1/log-level", true, nil, setLogLevel},
	{"GET", "/v1/drain", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, Drain{node.Drain()})
	}},
	{"POST", "/v1/drain", true, []string{"mode"}, drain},
	{"DELETE", "/v1/drain", true, nil, endDrain},
}

// A Control is what a Node lets people do beside leases.
type Control interface {
	// Configuration is what is in force.
	Configuration() Configuration
	// LogLevel is what is logged.
	LogLevel() LogLevel
	// SetLogLevel holds until the next restart or reload.
	SetLogLevel(slog.Level)
	// Drain tells in which way the node is being drained.
	Drain() DrainMode
	// SetDrain begins a drain or, with DrainNone, ends one. It returns at once. The error is ErrSingle, or ErrStopping.
	SetDrain(DrainMode) error
}

// Errors of SetDrain.
var (
	ErrSingle   = errors.New("a single node has no others to leave new clients to")
	ErrStopping = errors.New("the node is stopping already")
)

// A Configuration is the one in force.
type Configuration struct {
	File     string    `json:"file"`
	Node     string    `json:"node"`     // which of its nodes this one is; empty: a single one
	Content  any       `json:"content"`  // as it was written, without secrets
	Warnings []Warning `json:"warnings"` // what is allowed and seldom meant
}

// A Warning is about one field of the configuration.
type Warning struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Field   string `json:"field"` // a path such as links[0].addresses[1].pool
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

// A LogLevel is the least important kind of message that is logged.
type LogLevel struct {
	Level      string `json:"level"` // debug, info, warn or error
	Configured string `json:"configured"`
}

// A DrainMode is a way to take a node out of service.
type DrainMode string

// The ways.
const (
	DrainNone DrainMode = "none"
	DrainNew  DrainMode = "new"  // new clients are left to other nodes while those answer
	DrainStop DrainMode = "stop" // as by SIGTERM: what has arrived is answered, then the process ends
)

// Drain is how the node is being drained.
type Drain struct {
	Mode DrainMode `json:"mode"`
}

// levels are the words for log levels.
var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// ParseLevel reads one of debug, info, warn and error.
func ParseLevel(text string) (slog.Level, error) {
	level, ok := levels[text]
	if !ok {
		return 0, fmt.Errorf("%q is none of debug, info, warn and error", text)
	}
	return level, nil
}

// LevelText is the word for a level.
func LevelText(level slog.Level) string {
	for text, l := range levels {
		if l == level {
			return text
		}
	}
	return level.String()
}

func setLogLevel(w http.ResponseWriter, r *http.Request, node Node) {
	var body struct {
		Level string `json:"level"`
	}
	if err := readBody(r, &body); err != nil {
		refuse(w, statusOfBody(err), err.Error(), `send {"level": "debug"}`)
		return
	}
	level, err := ParseLevel(body.Level)
	if err != nil {
		refuse(w, http.StatusBadRequest, "level: "+err.Error(), `send {"level": "debug"}`)
		return
	}
	node.SetLogLevel(level)
	reply(w, http.StatusOK, node.LogLevel())
}

// readBody reads one JSON object, in which all fields must be known.
func readBody(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the body can't be read: %w", err)
	}
	if d.More() {
		return errors.New("the body has more than one JSON value")
	}
	return nil
}

func statusOfBody(err error) int {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

func drain(w http.ResponseWriter, r *http.Request, node Node) {
	mode := DrainStop
	if query := r.URL.Query(); query.Has("mode") {
		mode = DrainMode(query.Get("mode"))
	}
	if mode != DrainStop && mode != DrainNew {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("mode=%q is neither stop nor new", mode), "leave it out to stop the node")
		return
	}
	if err := node.SetDrain(mode); err != nil {
		refuse(w, http.StatusConflict, err.Error(), "")
		return
	}
	reply(w, http.StatusAccepted, Drain{mode})
}

func endDrain(w http.ResponseWriter, _ *http.Request, node Node) {
	if err := node.SetDrain(DrainNone); err != nil && !errors.Is(err, ErrSingle) {
		refuse(w, http.StatusConflict, err.Error(), "a stop can't be taken back; start the node again")
		return
	}
	reply(w, http.StatusOK, Drain{node.Drain()})
}
