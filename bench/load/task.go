package load

// A Task is what each client of a Run does.
type Task uint8

// Tasks.
const (
	Ask     Task = iota // Solicit, again until every server has sent an Advertise; nothing is bound
	Acquire             // Solicit, choose among the Advertises, Request, Reply
	Renew               // Renew at the lease's server; where it keeps silent, Rebind
	Rebind              // Rebind, at whoever answers
	Release             // Release at the lease's server
	Rapid               // Solicit with Rapid Commit, Reply; where a server sends an Advertise instead, on as Acquire
	Decline             // Decline, at the lease's server, of all that the client has: somebody else uses it

	tasks // how many there are
)

var taskNames = [tasks]string{"ask", "acquire", "renew", "rebind", "release", "rapid", "decline"}

// String is the task in one word.
func (t Task) String() string { return taskNames[t] }
