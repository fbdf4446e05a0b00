package privacy

import "strings"

// A Class says what the attributes of one name are.
type Class uint8

// The classes of attributes. What a log line doesn't say by an Identifier is shown by its attribute's class.
const (
	Unclassed Class = iota // nobody has said; left out, but in clear
	Harmless               // names no client, ever
	Text                   // words of errors and of others, in which clients may be named: searched
	OfFile                 // what is said of a configuration: searched, and cut short where it is about reservations
	Naming                 // names a client: the value must be an Identifier
)

var lists = map[Class]string{
	Naming: "client duid example from hardware iaid lease loser loser_iaid name relay winner winner_iaid",
	Text:   "error for text",
	OfFile: "change fault problem remedy warning",
	Harmless: `GOMAXPROCS address admin after again ahead answer answered attempt away back_seat batches bindings canceled capacity changed
clean clients clients_not_asked clock complete connections contested deleted differences done dropped elsewhere event explained extended failed failures faults
field file finding fingerprint folder gave_up gone hook id index interface interfaces kept known last_answer leases leases_of_peers
leases_unreachable leases_unwilling left level link links listen loser_node lost_tasks message missing most new newest node not_asked octets of
of_about of_newest_claims others over path peer peers pending pool prefix questions reason refused relays renumbered repaired replies requestor requests
requests_to_us sent server slots solicits state status stripe task there_are took unanswered_clients unexpected until used valid waited waiting was why
winner_node workers zone zones`,
}

// classes are the attributes by their names.
var classes = func() map[string]Class {
	all := make(map[string]Class)
	for class, names := range lists {
		for name := range strings.FieldsSeq(names) {
			all[name] = class
		}
	}
	return all
}()

// ClassOf is the class of the attributes of a name.
func ClassOf(name string) Class { return classes[name] }
