// A subscriber that knows the state of every job and of every document, and keeps it over restarts of the core and of
// the NATS server. It does what examples/subscribe.mjs does, with nats.go 1.22 or newer.
//
//	go run subscribe.go [URL [USER PASSWORD]]
//
// With Debian's packages golang-go and golang-github-nats-io-go-nats-dev and no network:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o subscribe subscribe.go
//
// Without arguments it takes NATS_URL, NATS_USER and NATS_PASSWORD, else the server that the core runs itself, by
// nats/connection.json in the data folder (GATEHOUSE_DATA, else ./data). Each event is one line: its id, type, state
// and data. Ctrl-C ends it and prints what it has rebuilt, as JSON.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
)

const stream = "GH_EVT"

// Last is the last event of a job or document.
type Last struct {
	Seq   int    `json:"seq"`
	Type  string `json:"type"`
	State string `json:"state"`
}

// envelope has the fields of a CloudEvent that are used here.
type envelope struct {
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Data    struct {
		ID string `json:"id"`
		Last
		Data json.RawMessage `json:"data"`
	} `json:"data"`
}

var (
	mutex sync.Mutex
	// By the `subject` of the envelope: the id of the job or document.
	jobs, documents = map[string]Last{}, map[string]Last{}
	// Counts how often the connection came back.
	reconnects int64
)

func apply(payload []byte) {
	var event envelope
	if err := json.Unmarshal(payload, &event); err != nil {
		log.Printf("left out, not JSON: %v", err)
		return
	}
	var known map[string]Last
	switch {
	case strings.HasPrefix(event.Type, "gatehouse.job."):
		known = jobs
	case strings.HasPrefix(event.Type, "gatehouse.document."):
		known = documents
	default: // A kind that is not known here.
		return
	}
	mutex.Lock()
	defer mutex.Unlock()
	// `seq` counts from 1 for each subject: what is not higher than the last one was here before.
	if event.Data.Seq <= known[event.Subject].Seq {
		return
	}
	known[event.Subject] = event.Data.Last
	fmt.Println(event.Data.ID, event.Data.Type, event.Data.State, string(event.Data.Data))
}

// readFromStart reads the stream from its start until it is interrupted. After each interruption it is read from the
// start again: a stream that was made anew, or has lost its end, is filled again by the core and counts anew, so a
// position of the time before says nothing. What was seen before is dropped by apply.
func readFromStart(js nats.JetStreamContext) error {
	came := atomic.LoadInt64(&reconnects)
	before, err := js.StreamInfo(stream)
	if err != nil {
		return err
	}
	consumer, err := js.AddConsumer(stream, &nats.ConsumerConfig{
		Name:              fmt.Sprintf("go-%d-%d", os.Getpid(), time.Now().UnixNano()),
		AckPolicy:         nats.AckNonePolicy,
		DeliverPolicy:     nats.DeliverAllPolicy,
		InactiveThreshold: time.Minute,
	})
	if err != nil {
		return err
	}
	defer js.DeleteConsumer(stream, consumer.Name)
	subscription, err := js.PullSubscribe("", "", nats.Bind(stream, consumer.Name))
	if err != nil {
		return err
	}
	defer subscription.Unsubscribe()
	for next := uint64(1); atomic.LoadInt64(&reconnects) == came; {
		messages, err := subscription.Fetch(256, nats.MaxWait(2*time.Second))
		if err != nil && !errors.Is(err, nats.ErrTimeout) {
			return err
		}
		for _, message := range messages {
			place, err := message.Metadata()
			if err != nil {
				return err
			}
			if place.Sequence.Consumer != next {
				return errors.New("a message was lost on the way")
			}
			next++
			apply(message.Data)
		}
		if len(messages) > 0 {
			continue
		}
		now, err := js.StreamInfo(stream)
		if err != nil {
			return err
		}
		if !now.Created.Equal(before.Created) {
			return errors.New("the stream was made anew")
		}
	}
	return nil
}

func main() {
	url, options := connectionOptions(os.Args[1:])
	options = append(options,
		nats.Name("subscribe.go"),
		// Without these two the client gives up: at once where the server is away, else after 60 attempts.
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectHandler(func(*nats.Conn) { atomic.AddInt64(&reconnects, 1) }),
	)
	connection, err := nats.Connect(url, options...)
	if err != nil {
		log.Fatal(err)
	}
	js, err := connection.JetStream()
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	go func() {
		for {
			if err := readFromStart(js); err != nil {
				log.Printf("waiting for %s: %v", stream, err)
			}
			time.Sleep(time.Second)
		}
	}()
	<-ended
	mutex.Lock()
	rebuilt, _ := json.Marshal(map[string]any{"jobs": jobs, "documents": documents})
	fmt.Println(string(rebuilt))
}

// connectionOptions says where the server is and how to log in: by words, environment, or the file of the core.
func connectionOptions(words []string) (string, []nats.Option) {
	given := []string{os.Getenv("NATS_URL"), os.Getenv("NATS_USER"), os.Getenv("NATS_PASSWORD")}
	copy(given, words)
	if given[0] == "" {
		given = ownServer()
	}
	options := []nats.Option{}
	if given[1] != "" {
		options = append(options, nats.UserInfo(given[1], given[2]))
	}
	if prefix := os.Getenv("NATS_INBOX_PREFIX"); prefix != "" {
		options = append(options, nats.CustomInboxPrefix(prefix))
	}
	return given[0], options
}

func ownServer() []string {
	folder := os.Getenv("GATEHOUSE_DATA")
	if folder == "" {
		folder = "data"
	}
	file := filepath.Join(folder, "nats", "connection.json")
	text, err := os.ReadFile(file)
	var own struct{ URL, User, Password string }
	if err == nil {
		err = json.Unmarshal(text, &own)
	}
	if err != nil {
		log.Fatalf("%s cannot be read: run this in the folder of the core, or set GATEHOUSE_DATA or NATS_URL (%v)", file, err)
	}
	return []string{own.URL, own.User, own.Password}
}
