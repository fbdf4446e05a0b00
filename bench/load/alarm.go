package load

// alarms say which clients' messages are to be sent again, in buckets of a tick. Nothing is taken out where an answer comes:
// an alarm of a message that isn't the client's present one is none. So each costs the same however many exchanges
// are under way; under overload there are hundreds of thousands.
type alarms struct {
	buckets [alarmBuckets][]alarm
	next    int64 // number of the first tick that was not looked at
	spare   []alarm
}

type alarm struct {
	due    int64
	client int32
}

// alarmBuckets is for how many ticks there are buckets. Alarms beyond come up early and are put back.
const alarmBuckets = 1024

// set notes that a client's present message is due again.
func (a *alarms) set(client int32, due int64) {
	at := min(max(due/int64(tick)+1, a.next), a.next+alarmBuckets-1)
	bucket := &a.buckets[at%alarmBuckets]
	*bucket = append(*bucket, alarm{due, client})
}

// ring calls wake with every client whose message is due by now.
func (a *alarms) ring(clients []client, now int64, wake func(int32)) {
	last := now / int64(tick)
	a.next = max(a.next, last-alarmBuckets+1) // after a standstill each bucket has its turn once
	for a.next <= last {
		bucket := &a.buckets[a.next%alarmBuckets]
		due := *bucket
		*bucket = a.spare[:0]
		a.next++
		for _, x := range due {
			switch c := &clients[x.client]; {
			case c.phase == idle || c.due != x.due:
			case x.due > now:
				a.set(x.client, x.due)
			default:
				wake(x.client)
			}
		}
		a.spare = due
	}
}
