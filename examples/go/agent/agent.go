// A caller of the agent protocol (docs/agents.md): finds the agents on the bus, prompts one, prints its reply as it is
// written, and asks at the terminal about a draft.
//
//	go run agent.go URL 'PROMPT' [USER PASSWORD INBOX_PREFIX]
//
// With Debian's packages golang-go and golang-github-nats-io-go-nats-dev and no network:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o agent agent.go
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// silence is how long a stream may say nothing.
const silence = 60 * time.Second

type info struct {
	Metadata  map[string]string `json:"metadata"`
	Endpoints []struct {
		Name    string `json:"name"`
		Subject string `json:"subject"`
	} `json:"endpoints"`
}

type chunk struct {
	Type  string          `json:"type"`
	Data  json.RawMessage `json:"data"`
	JobID string          `json:"job_id"`
}

type question struct {
	ReplySubject string `json:"reply_subject"`
	Prompt       string `json:"prompt"`
}

// promptSubject is that of the first agent that answers. It is read from the answer, and never made of the names.
func promptSubject(nc *nats.Conn) string {
	answer, err := nc.Request("$SRV.INFO.agents", nil, 2*time.Second)
	if err != nil {
		log.Fatal("no agent answers: ", err)
	}
	var found info
	if err := json.Unmarshal(answer.Data, &found); err != nil {
		log.Fatal(err)
	}
	if found.Metadata["protocol_version"] != "0.3" {
		log.Fatal("the agent speaks version ", found.Metadata["protocol_version"])
	}
	for _, endpoint := range found.Endpoints {
		if endpoint.Name == "prompt" {
			return endpoint.Subject
		}
	}
	log.Fatal("the agent takes no prompts")
	return ""
}

// text is a bare string, or the field text of an object.
func text(data json.RawMessage) string {
	var plain string
	if json.Unmarshal(data, &plain) == nil {
		return plain
	}
	var object struct {
		Text string `json:"text"`
	}
	_ = json.Unmarshal(data, &object)
	return object.Text
}

func answer(nc *nats.Conn, data json.RawMessage, terminal *bufio.Reader) {
	var asked question
	if err := json.Unmarshal(data, &asked); err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, asked.Prompt)
	line, err := terminal.ReadString('\n')
	if err != nil && line == "" {
		log.Fatal("nobody answers the question; the draft waits in the job")
	}
	if err := nc.Publish(asked.ReplySubject, []byte(strings.TrimSpace(line))); err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 && len(os.Args) != 6 {
		log.Fatal("agent URL PROMPT [USER PASSWORD INBOX_PREFIX]")
	}
	options := []nats.Option{}
	if len(os.Args) == 6 {
		options = append(options, nats.UserInfo(os.Args[3], os.Args[4]), nats.CustomInboxPrefix(os.Args[5]))
	}
	nc, err := nats.Connect(os.Args[1], options...)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	body, _ := json.Marshal(map[string]string{"prompt": os.Args[2]})
	inbox := nc.NewInbox()
	replies, err := nc.SubscribeSync(inbox)
	if err != nil {
		log.Fatal(err)
	}
	if err := nc.PublishRequest(promptSubject(nc), inbox, body); err != nil {
		log.Fatal(err)
	}
	terminal := bufio.NewReader(os.Stdin)
	for {
		message, err := replies.NextMsg(silence)
		if err != nil {
			log.Fatal("the reply has stopped: ", err)
		}
		if code := message.Header.Get("Nats-Service-Error-Code"); code != "" {
			log.Fatal(code, " ", message.Header.Get("Nats-Service-Error"))
		}
		if len(message.Data) == 0 {
			fmt.Println()
			return
		}
		var next chunk
		if err := json.Unmarshal(message.Data, &next); err != nil {
			log.Fatal(err)
		}
		switch next.Type {
		case "response":
			fmt.Print(text(next.Data))
		case "query":
			answer(nc, next.Data, terminal)
		case "status":
			if text(next.Data) == "ack" {
				fmt.Fprintln(os.Stderr, "job", next.JobID)
			}
		}
	}
}
