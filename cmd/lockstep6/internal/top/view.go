package top

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
)

// Styles of a screen. Bubble Tea leaves colours out where the terminal has none, or NO_COLOR is set.
var (
	bold   = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	good   = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	middle = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
	bad    = lipgloss.NewStyle().Foreground(lipgloss.Color("1")).Bold(true)
)

// paint is a style where there are any: for one look there are none.
type paint bool

func (p paint) with(s lipgloss.Style, text string) string {
	if !p {
		return text
	}
	return s.Render(text)
}

const helpText = `
  tab, right      next view            p, space   pause, and go on
  shift+tab, left the view before      ?          this help
  q               quit

  overview  what the node does now, between two looks
  pools     how full the pools are, and this node's shares of them
  peers     the other nodes, as far as clients' messages tell, and where this node listens
  events    the newest lines of the log: docs/messages.md explains them by their id

  lockstep6 why CLIENT tells why a client got no address.`

// screen is what fits in the terminal.
func (m *Model) screen() string {
	const p = paint(true)
	lines := []string{m.title(p), m.tabs(), ""}
	switch {
	case m.help:
		lines = append(lines, strings.Split(strings.Trim(helpText, "\n"), "\n")...)
	case m.now == nil && m.err == nil:
		lines = append(lines, "asking the node ...")
	case m.now != nil:
		lines = append(lines, m.body(p, m.page, max(0, m.height-len(lines)-1))...)
	}
	if room := max(1, m.height-1); len(lines) > room {
		lines = lines[:room]
	}
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	lines = append(lines, m.footer(p))
	cut := lipgloss.NewStyle().MaxWidth(max(1, m.width))
	for i := range lines {
		lines[i] = cut.Render(lines[i])
	}
	return strings.Join(lines, "\n")
}

// plain is everything, without colours and without an end of the screen.
func (m *Model) plain() string {
	const p = paint(false)
	lines := []string{m.title(p)}
	for at := range pageCount {
		if body := m.body(p, at, len(m.events)); len(body) > 0 {
			lines = append(append(lines, "", pageNames[at]), body...)
		}
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

func (m *Model) title(p paint) string {
	if m.now == nil {
		return p.with(bold, "lockstep6")
	}
	s := &m.now.State
	name := "single node"
	if s.Node != "" {
		name = "node " + s.Node
	}
	state := p.with(good, "ready")
	if !s.Ready {
		state = p.with(bad, "NOT READY: "+s.NotReady)
	}
	up := m.now.At.Sub(s.Started).Truncate(time.Second)
	return fmt.Sprintf("%s %s, %s, up %s, %s", p.with(bold, "lockstep6"), s.Version, name, up, state)
}

func (m *Model) tabs() string {
	var words []string
	for at, name := range pageNames {
		if page(at) == m.page && !m.help {
			words = append(words, bold.Reverse(true).Render(" "+name+" "))
		} else {
			words = append(words, faint.Render(" "+name+" "))
		}
	}
	return strings.Join(words, " ")
}

func (m *Model) footer(p paint) string {
	text := p.with(faint, "q quit  p pause  tab next view  ? help")
	switch {
	case m.err != nil:
		text = p.with(bad, "the node doesn't answer: "+m.err.Error()) + "  " + text
	case m.paused:
		text = p.with(middle, "PAUSED") + "  " + text
	}
	return text
}

// body is a view's lines; those of a list that doesn't end by itself are at most so many.
func (m *Model) body(p paint, at page, room int) []string {
	switch at {
	case pools:
		return m.poolLines(p, len(m.now.Pools))
	case peers:
		return m.peerLines(p)
	case log:
		return m.eventLines(p, room)
	}
	lines := m.loadLines(p)
	if p {
		if few := m.poolLines(p, 6); len(few) > 0 {
			lines = append(append(lines, ""), few...)
		}
		lines = append(append(lines, ""), m.eventLines(p, max(3, room-len(lines)-1))...)
	}
	return lines
}
