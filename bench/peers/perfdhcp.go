package main

import (
	"fmt"
	"strconv"
	"strings"
)

// What perfdhcp says at its end of one kind of exchange.
type statistics struct{ sent, received float64 }

// A tally is what perfdhcp says at its end.
type tally struct{ solicits, requests statistics }

// perfdhcpMost is about what perfdhcp can do, so that no search begins far above it.
const perfdhcpMost = 20_000

// dropped is the share of clients that sent a Solicit and got no Reply within a second.
func (t *tally) dropped() float64 {
	if t.solicits.sent == 0 {
		return 1
	}
	return 1 - t.requests.received/t.solicits.sent
}

// parseTally reads perfdhcp's final report.
func parseTally(report string) (t tally, err error) {
	var now *statistics
	found := 0
	for line := range strings.Lines(report) {
		key, value, ok := strings.Cut(strings.Trim(line, "* \n"), ": ")
		if !ok {
			continue
		}
		switch key {
		case "Statistics for":
			now = map[string]*statistics{"SOLICIT-ADVERTISE": &t.solicits, "REQUEST-REPLY": &t.requests}[value]
			continue
		case "sent packets", "received packets":
		default:
			continue
		}
		if now == nil {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return t, fmt.Errorf("perfdhcp's report: %w", err)
		}
		if found++; key == "sent packets" {
			now.sent = n
		} else {
			now.received = n
		}
	}
	if found != 4 {
		return t, fmt.Errorf("perfdhcp's report has %d of 4 counts:\n%s", found, report)
	}
	return t, nil
}
