package load

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxWeight bounds a task's weight in a Mix.
const maxWeight = 1_000_000

// A Mix is the weight of each task among the exchanges of an Offer, by Task. Zero: none of these.
type Mix [tasks]int

// ParseMix reads a mix such as "acquire=1,renew=10". A task without a weight has 1. An error names the tasks there are.
func ParseMix(text string) (m Mix, err error) {
	for part := range strings.SplitSeq(text, ",") {
		name, weight, weighted := strings.Cut(strings.TrimSpace(part), "=")
		task := slices.Index(taskNames[:], name)
		if task < 0 {
			return Mix{}, fmt.Errorf("there is no exchange %q: give a list such as acquire=1,renew=10 of %s", name, strings.Join(taskNames[:], ", "))
		}
		if m[task] != 0 {
			return Mix{}, fmt.Errorf("%s is named twice", name)
		}
		m[task] = 1
		if weighted {
			if m[task], err = strconv.Atoi(weight); err != nil || m[task] < 1 || m[task] > maxWeight {
				return Mix{}, fmt.Errorf("%s=%s: a weight is a number from 1 to %d", name, weight, maxWeight)
			}
		}
	}
	return m, nil
}

// Only is a mix of one task.
func Only(t Task) (m Mix) {
	m[t] = 1
	return m
}

// String is the mix as ParseMix reads it.
func (m Mix) String() string {
	var parts []string
	for task, weight := range m {
		if weight > 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", Task(task), weight))
		}
	}
	return strings.Join(parts, ",")
}

// NeedsLeases tells whether a task of the mix needs a client that has a lease.
func (m Mix) NeedsLeases() bool { return m[Renew]+m[Rebind]+m[Release]+m[Decline] > 0 }

func (m Mix) check() error {
	sum := 0
	for _, weight := range m {
		if weight < 0 || weight > maxWeight {
			return fmt.Errorf("a weight of %d: must be 0 to %d", weight, maxWeight)
		}
		sum += weight
	}
	if sum == 0 {
		return errors.New("the mix has no exchange in it")
	}
	return nil
}

// A picker deals out the tasks of a mix as evenly as their weights allow: in any row of exchanges as long as the
// weights' sum each task has its share.
type picker struct {
	mix    Mix
	credit [tasks]int
}

func (p *picker) next() Task {
	best, sum := Task(0), 0
	for task, weight := range p.mix {
		sum += weight
		p.credit[task] += weight
		if weight > 0 && (p.mix[best] == 0 || p.credit[task] > p.credit[best]) {
			best = Task(task)
		}
	}
	p.credit[best] -= sum
	return best
}
