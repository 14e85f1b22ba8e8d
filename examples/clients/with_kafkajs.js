// Orders with KafkaJS, in the shape of its "Getting started" page.
//
//   node with_kafkajs.js consume TOPIC GROUP DATABASE
//   node with_kafkajs.js produce TOPIC

const { execFile } = require('node:child_process')
const readline = require('node:readline')
const { promisify } = require('node:util')
const { Kafka } = require('kafkajs')

const SESSION_TIMEOUT_MS = 6000
const LOCK_TIMEOUT_MS = 60000
// where it is false, the producer has the library's default
const IDEMPOTENT = Boolean(process.env.IDEMPOTENT)

const kafka = new Kafka({
  clientId: 'orders',
  brokers: (process.env.KAFKA_BOOTSTRAP_SERVERS || 'localhost:9092').split(','),
})

// the command sqlite3: Node 20 has no SQLite of its own
const store = async (database, value) => {
  const number = Number(JSON.parse(value).number)
  const insert = `INSERT INTO orders VALUES (${number})`
  await promisify(execFile)('sqlite3', ['-cmd', `.timeout ${LOCK_TIMEOUT_MS}`, database, insert])
}

const consume = async (topic, groupId, database) => {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: SESSION_TIMEOUT_MS / 3,
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      await store(database, message.value.toString())
    },
  })
}

const produce = async (topic) => {
  const producer = kafka.producer(IDEMPOTENT ? { idempotent: true } : {})
  await producer.connect()
  for await (const number of readline.createInterface({ input: process.stdin })) {
    const value = JSON.stringify({ number: Number(number) })
    await producer.send({ topic, messages: [{ key: number, value }] })
    console.log(`acked ${number}`)
  }
  await producer.disconnect()
}

const [command, ...values] = process.argv.slice(2)
const commands = { consume, produce }
commands[command](...values)
