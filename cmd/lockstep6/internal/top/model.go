package top

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lockstep6/lockstep6/io/admin"
)

const (
	keptEvents = 200
	peersEvery = 5 // looks from one question for peers to the next
	askLimit   = 10 * time.Second
)

// A page is one of the views between which tab switches.
type page int

const (
	overview page = iota
	pools
	peers
	log
	pageCount
)

var pageNames = [pageCount]string{"overview", "pools", "peers", "events"}

// A Model is the state of the program, as Bubble Tea has it: Update and View depend on nothing else.
type Model struct {
	node  Node // nil: Update asks nobody
	every time.Duration

	looks       int       // answers so far
	before, now *Snapshot // the last two answers
	peers       *admin.Peers
	events      []admin.Event // the oldest first
	err         error         // of the last question

	page          page
	paused, help  bool
	width, height int
}

// New makes a model that asks a node so often.
func New(node Node, every time.Duration) Model {
	return Model{node: node, every: every, width: 80, height: 24}
}

type (
	answer struct {
		snapshot Snapshot
		err      error
	}
	tick struct{}
)

// Init asks for the first time.
func (m Model) Init() tea.Cmd { return m.ask() }

func (m Model) ask() tea.Cmd {
	node, after, withPeers := m.node, m.lastEvent(), m.looks%peersEvery == 0
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), askLimit)
		defer cancel()
		s, err := take(ctx, node, after, withPeers)
		return answer{s, err}
	}
}

// Update takes an answer, the time or a key in.
func (m Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case answer:
		if m.err = msg.err; msg.err == nil && !m.paused {
			m.see(msg.snapshot)
		}
		return m, tea.Tick(m.every, func(time.Time) tea.Msg { return tick{} })
	case tick:
		if m.paused {
			return m, tea.Tick(m.every, func(time.Time) tea.Msg { return tick{} })
		}
		return m, m.ask()
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m.key(msg.String())
	}
	return m, nil
}

func (m Model) key(name string) (tea.Model, tea.Cmd) {
	switch name {
	case "q", "ctrl+c":
		return m, tea.Quit
	case "p", "space":
		m.paused = !m.paused
	case "?", "h":
		m.help = !m.help
	case "esc":
		m.help = false
	case "tab", "right":
		m.page = (m.page + 1) % pageCount
	case "shift+tab", "left":
		m.page = (m.page + pageCount - 1) % pageCount
	}
	return m, nil
}

// see takes an answer in. After another start of the node nothing before it counts.
func (m *Model) see(s Snapshot) {
	m.before, m.now = m.now, &s
	m.looks++
	if m.before != nil && !m.before.State.Started.Equal(s.State.Started) {
		m.before, m.events, m.looks = nil, nil, 0 // its events begin anew, and are asked for as a whole
	}
	if s.Peers != nil {
		m.peers = s.Peers
	}
	m.events = append(m.events, s.Events...)
	m.events = m.events[max(0, len(m.events)-keptEvents):]
}

// lastEvent is the sequence of the newest line that was seen.
func (m *Model) lastEvent() uint64 {
	if len(m.events) == 0 {
		return 0
	}
	return m.events[len(m.events)-1].Sequence
}

// View is the screen.
func (m Model) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	v.WindowTitle = "lockstep6 top"
	return v
}

// Run shows the node in the terminal until it is quit or the context ends.
func Run(ctx context.Context, node Node, every time.Duration, options ...tea.ProgramOption) error {
	_, err := tea.NewProgram(New(node, every), append(options, tea.WithContext(ctx))...).Run()
	return err
}
