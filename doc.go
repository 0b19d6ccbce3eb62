// Package forebay is the tour of the code, and nothing else.
//
// Forebay takes the signed webhooks of identity providers and puts every event on a NATS JetStream stream, on a subject
// keyed by what happened. A forebay is the pool ahead of a turbine: it takes in whatever the river brings, so that the
// machines get a steady stream.
//
// # Where to start
//
// Read ingress.receive, the way in: one function, one step a line or two, from the request to the answer. Then read
// stream.session in publisher, which carries what was accepted on to the stream, and Consumer.attempt in consumer, the
// way out. Then example_test.go, where one event makes the whole travel in front of you. After these you know the
// program; the rest is detail.
//
// # How one event travels
//
// Ada asks to sign in, and SSOfy needs a one-time code delivered. It sends a signed POST to /webhooks/ssofy.
//
//  1. ingress finds the source by its path, bounds the delivery and reads its raw body.
//  2. The provider of that source, here provider/ssofy, verifies the signature over those bytes. Only then does it
//     decode them into events: otp_requested becomes a schema.Event with the action otp.requested.
//  3. schema puts the event on the wire. It validates it, seals the members that the provider declared sensitive, and
//     builds the subject identity.ssofy.otp.requested, the CloudEvents headers and the body. From here on it is a
//     schema.Message, and nothing changes it any more.
//  4. publisher stores all messages of the delivery in publisher/journal: one atomic commit, flushed to disk. The
//     journal leaves out what it has seen before. Now the delivery is accepted, and ingress answers 200.
//  5. publisher takes the message from its lane, urgent before normal, and publishes it to the stream with the event
//     ID as its Nats-Msg-Id. The stream acknowledges. The journal keeps the event for the guard window all the same,
//     because a server that acknowledges has not synced yet.
//  6. broker is the NATS server that holds the stream, embedded or a connection to yours. Any NATS client reads the
//     event there, in any language.
//  7. consumer hands the event to the jobs that the configuration names, here consumer/otp, which sends the code. An
//     attempt without success comes again by a schedule that the server keeps; in the end the event is a dead letter.
//
// Each step that fails decides the answer: an unverified delivery is 401, and a full disk is 503 with a time to come
// back. What is verified and cannot be read goes to quarantine. The answer never waits for NATS, unless the
// configuration says ack: stream.
//
// # The packages
//
// Each knows only those that it is allowed to import; layout_test.go has the table.
//
//   - schema: the vocabulary. Events, actions, subjects, headers, sealed members, and their form on the wire.
//   - provider: the contract between Forebay and a product that sends webhooks, and the verifiers that several share.
//   - provider/<name>: one product each. It verifies, decodes and, for send and for tests, signs.
//   - provider/providertest: the suite that every provider passes. It replays deliveries, then tampers with them. It
//     also reads vectors.
//   - ingress: the way in. Routes, limits, receive, and the one table from what happened to the answer.
//   - publisher: from the journal to the stream. Lanes, order, the guard window, and what to do when NATS is away.
//   - publisher/journal: the flushed log on local disk between accepting and publishing. Knows what it has seen.
//   - broker: the NATS server, embedded or dialled, and the streams that must exist.
//   - broker/brokertest: a real NATS server for tests.
//   - config: the configuration file as one struct. Its comments are the manual.
//   - consumer: the way out, for programs that handle events: attempts, schedules, dead letters, redrive and replay.
//   - consumer/<job>: one thing that is done with events each, such as a one-time code delivered.
//   - consumer/consumertest: what tests of consumers share: Redis, PostgreSQL and SMTP servers, events, waiting.
//   - cmd/forebay: the program. It alone knows all the others, and wires them in serve.go.
//   - examples/<program>: consumers as users write them, and the kit that puts them through their paces.
//   - scripts/proof: the program behind scripts/prove, which tries to break the promises, and counts.
//   - scripts/benchmark: the contestants, the load and the table behind scripts/bench.
//
// # Adding a provider
//
// Make a folder below provider with New, which returns a provider.Provider, and deliveries in testdata that
// providertest replays. Then add one line to the map in cmd/forebay/providers.go. A test names that line when it is
// forgotten.
package forebay
