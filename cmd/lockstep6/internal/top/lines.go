package top

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/io/admin"
)

// loadLines is what happened between the last two looks.
func (m *Model) loadLines(p paint) []string {
	before, s := admin.State{}, &m.now.State
	if m.before != nil {
		before = m.before.State
	}
	a := admin.Between(&before, s, m.between())
	used := 0.0
	if s.Capacity > 0 {
		used = float64(s.Bindings) / float64(s.Capacity)
	}
	return []string{
		"answered/s   " + rateText(a.Answered),
		"dropped/s    " + rateText(a.Dropped),
		fmt.Sprintf("sent/s       %-12s kernel drops/s %s", number(a.Sent), number(a.KernelDrops)),
		fmt.Sprintf("syncs/s      %-12s spared writes/s %s", number(a.Syncs), number(a.Spared)),
		"latency      " + m.latencyText(a.Latency),
		"sync         " + m.latencyText(a.SyncLatency),
		fmt.Sprintf("bindings     %d of %d  %s", s.Bindings, s.Capacity, bar(p, used, 20)),
	}
}

// between is the time between the last two looks; 0: there was one.
func (m *Model) between() time.Duration {
	if m.before == nil {
		return 0
	}
	return m.now.At.Sub(m.before.At)
}

// rateText is the sum of some rates and then each of them; nothing is a dash.
func rateText(all []admin.Rate) string {
	if len(all) == 0 {
		return "-"
	}
	sum, words := 0.0, ""
	for _, r := range all {
		sum += r.Per
		words += " " + r.Name + " " + number(r.Per)
	}
	return fmt.Sprintf("%-12s", number(sum)) + words
}

// latencyText is the quantiles between the last two looks.
func (m *Model) latencyText(quantiles [2]admin.Quantile) string {
	var words []string
	for i, q := range quantiles {
		if m.before == nil || !q.Known {
			return "-"
		}
		text := time.Duration(q.Seconds * float64(time.Second)).Round(time.Microsecond).String()
		if q.Beyond {
			text = "over " + text
		}
		words = append(words, [...]string{"p50", "p99"}[i]+" "+text)
	}
	return strings.Join(words, "  ")
}

// number has as many digits as matter.
func number(x float64) string {
	switch {
	case x == 0:
		return "-"
	case x < 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.0f", x)
	}
}

// bar is a share as a bar of some characters, and in percent.
func bar(p paint, share float64, width int) string {
	share = min(max(share, 0), 1)
	full := int(share*float64(width) + 0.5)
	text := strings.Repeat("#", full) + strings.Repeat(".", width-full)
	style := good
	switch {
	case share >= 0.9:
		style = bad
	case share >= 0.7:
		style = middle
	}
	return fmt.Sprintf("[%s] %5.1f %%", p.with(style, text), 100*share)
}

// poolLines has the fullest pools first, and under each the shares of it that are this node's.
func (m *Model) poolLines(p paint, most int) (lines []string) {
	all := slices.Clone(m.now.Pools)
	slices.SortStableFunc(all, func(a, b admin.Pool) int {
		switch {
		case a.Used > b.Used:
			return -1
		case a.Used < b.Used:
			return 1
		}
		return strings.Compare(a.Link+a.Pool, b.Link+b.Pool)
	})
	for i := range all {
		if i == most {
			return append(lines, fmt.Sprintf("  and %d more pools", len(all)-most))
		}
		pool := &all[i]
		lines = append(lines, fmt.Sprintf("%s  %-12s %-28s %d own, %d observed", bar(p, pool.Used, 20), pool.Link, pool.Pool, pool.Own, pool.Observed))
		for _, s := range pool.Stripes {
			if s.Own && s.Size > 0 {
				lines = append(lines, fmt.Sprintf("%s    own share, stripe %d: %d of %d", bar(p, float64(s.Used)/float64(s.Size), 20), s.Stripe, s.Used, s.Size))
			}
		}
	}
	return lines
}

// peerLines is the nodes and what this one listens for.
func (m *Model) peerLines(p paint) (lines []string) {
	if m.peers == nil || m.peers.Node == "" {
		return nil
	}
	for i := range m.peers.Peers {
		peer := &m.peers.Peers[i]
		style, last := middle, "never heard of"
		switch peer.State {
		case "alive":
			style = good
		case "silent":
			style = bad
		}
		if peer.LastHeard != nil {
			last = "its clients last heard at " + peer.LastHeard.UTC().Format(time.TimeOnly)
		}
		line := fmt.Sprintf("%-16s %s  %d leases observed, %s", peer.Name, p.with(style, fmt.Sprintf("%-8s", peer.State)), peer.Bindings.All(), last)
		if len(peer.Divergence) > 0 {
			line += ", " + p.with(bad, "ANOTHER CONFIGURATION")
		}
		lines = append(lines, line)
	}
	for _, g := range m.peers.Gates {
		if !g.Open {
			lines = append(lines, fmt.Sprintf("listening on link %s, %.0f %% of T1: %s", g.Link, 100*g.Progress, g.Reason))
		}
	}
	if m.peers.BackSeat {
		lines = append(lines, p.with(middle, "in the back seat: new clients are left to other nodes"))
	}
	if m.peers.Twin.Suspected {
		lines = append(lines, p.with(bad, "another server answers under this node's name"))
	}
	if n := len(m.peers.Conflicts.Standing); n > 0 {
		lines = append(lines, fmt.Sprintf("%d leases are claimed by two clients", n))
	}
	return lines
}

// eventLines is the newest lines of the log, the newest last.
func (m *Model) eventLines(p paint, most int) (lines []string) {
	for _, e := range m.events[max(0, len(m.events)-most):] {
		style := faint
		switch e.Level {
		case "WARN":
			style = middle
		case "ERROR":
			style = bad
		}
		line := fmt.Sprintf("%s %s %s", e.At.Format(time.TimeOnly), p.with(style, fmt.Sprintf("%-5s %-18s", e.Level, e.ID)), e.Message)
		for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
			line += "  " + name + "=" + valueText(e.Attributes[name])
		}
		lines = append(lines, line)
	}
	return lines
}

// valueText is an attribute's value as the log's text format has it; JSON's numbers have no exponents.
func valueText(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		if strings.ContainsAny(v, " =\"") || v == "" {
			return strconv.Quote(v)
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}
