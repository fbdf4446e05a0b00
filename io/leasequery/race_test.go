//go:build race

package leasequery

// raceDetector tells that tests are some ten times slower.
const raceDetector = true
