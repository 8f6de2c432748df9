// What makes attribution hard, each with its known truth: journeys joined after the purchase, a tablet many
// use, a group leader's phone on everybody's orders, two phones of one customer, samples, a SKU nobody knows,
// and a bot that calls itself null.
import { minuteMs, rooms, type RawIdentifier } from './act'
import { accountOf, buy, orderIdOf, phoneOf, raw, touch, type Stage } from './stage'

/** Phones and accounts of the hard cases begin here; viewers stay below. */
const firstNumber = 600

export function hardCases(stage: Stage): void {
  for (let number = 0; number < 10; number += 1) formAfterPurchase(stage, firstNumber + number)
  sharedTablet(stage)
  groupLeader(stage)
  for (let number = 0; number < 3; number += 1) twoPhones(stage, firstNumber + 60 + 2 * number)
  for (let number = 0; number < 5; number += 1) sample(stage, firstNumber + 80 + number)
  unknownSku(stage)
  bot(stage)
}

/** Clicks as a visitor, buys by phone on a platform; only a form filled in later joins the two. */
function formAfterPurchase(stage: Stage, number: number): void {
  const { run, truth } = stage
  const visitor = raw('visitor', `${run}-v${number}`)
  const phone = phoneOf(stage, number)
  const account = accountOf(stage, 'douyin', number)
  const at = (20 + (number % 10) * 7) * minuteMs
  touch(stage, {
    ...{ source: 'web', id: `${number}-ad`, type: 'click', atMs: at, identifiers: [visitor] },
    fields: { channel: 'wechat.moments', platform: 'wechat', utm_campaign: 'double11' },
  })
  buy(stage, {
    number: String(number),
    platform: 'douyin',
    at: at + 20 * minuteMs,
    buyer: [phone, ...account],
    claimed: false,
  })
  touch(stage, {
    ...{
      source: 'web',
      id: `${number}-form`,
      type: 'form',
      atMs: at + 60 * minuteMs,
      identifiers: [phone, visitor],
    },
    fields: { channel: 'web.form', page: 'https://shop.example/warranty' },
  })
  truth.persons.push([phone, visitor, ...account])
  truth.lastTouch.set(orderIdOf(stage, String(number)), `${run}-${number}-ad`)
}

/** Two customers fill in a form on the booth's tablet: it must not make them one. */
function sharedTablet(stage: Stage): void {
  const tablet = raw('visitor', `${stage.run}-tablet`)
  for (const number of [firstNumber + 20, firstNumber + 21]) {
    const phone = phoneOf(stage, number)
    const account = accountOf(stage, 'wechat', number)
    touch(stage, {
      ...{
        source: 'web',
        id: `${number}-booth`,
        type: 'form',
        atMs: (number % 10) * 9 * minuteMs + 30 * minuteMs,
      },
      identifiers: [phone, tablet],
      fields: { channel: 'offline.booth', placement: 'booth' },
    })
    buy(stage, {
      number: String(number),
      platform: 'wechat',
      at: 90 * minuteMs,
      buyer: [phone, ...account],
      claimed: false,
    })
    stage.truth.persons.push([phone, ...account])
    stage.truth.lastTouch.set(orderIdOf(stage, String(number)), `${stage.run}-${number}-booth`)
  }
  stage.truth.alone.push(tablet)
}

/** Collects a dozen neighbours' orders under one phone: it is a hub, and each neighbour stays a person. */
function groupLeader(stage: Stage): void {
  const leader = phoneOf(stage, firstNumber + 30)
  for (let member = 0; member < 12; member += 1) {
    const number = firstNumber + 31 + member
    const account = accountOf(stage, 'wechat', number)
    touch(stage, {
      ...{
        source: 'rooms',
        id: `${number}-group`,
        type: 'click',
        atMs: (40 + member) * minuteMs,
        identifiers: account,
      },
      fields: { channel: 'wechat.group', platform: 'wechat', placement: 'group' },
    })
    buy(stage, {
      number: String(number),
      platform: 'wechat',
      at: (60 + member) * minuteMs,
      buyer: [leader, ...account],
      claimed: false,
    })
    stage.truth.persons.push(account)
    stage.truth.lastTouch.set(orderIdOf(stage, String(number)), `${stage.run}-${number}-group`)
  }
  stage.truth.alone.push(leader)
}

/** One customer of the ERP with two phones: the customer code makes them one person. */
function twoPhones(stage: Stage, number: number): void {
  const code = raw('code', `${stage.run}-C${number}`)
  const [first, second] = [phoneOf(stage, number), phoneOf(stage, number + 1)]
  const account = accountOf(stage, 'douyin', number)
  touch(stage, {
    ...{
      source: 'web',
      id: `${number}-member`,
      type: 'form',
      atMs: 25 * minuteMs,
      identifiers: [code, second],
    },
    fields: { channel: 'web.membership' },
  })
  buy(stage, {
    number: String(number),
    platform: 'douyin',
    at: 100 * minuteMs,
    buyer: [code, first, ...account],
    claimed: false,
  })
  stage.truth.persons.push([code, first, second, ...account])
  stage.truth.lastTouch.set(orderIdOf(stage, String(number)), `${stage.run}-${number}-member`)
}

/** Sent to a streamer: no sale in the ERP, but its pieces are not for sale either. */
function sample(stage: Stage, number: number): void {
  const account: RawIdentifier[] = accountOf(stage, 'douyin', number)
  buy(stage, {
    number: String(number),
    platform: 'douyin',
    at: 10 * minuteMs,
    buyer: account,
    orderKind: 'sample',
    claimed: false,
  })
  stage.truth.persons.push(account)
  stage.truth.lastTouch.set(orderIdOf(stage, String(number)), '')
}

/** The ERP refuses what it does not know; the order is credited all the same. */
function unknownSku(stage: Stage): void {
  const number = firstNumber + 90
  const account = accountOf(stage, 'wechat', number)
  const { room, streamer, channel } = rooms.wechat
  touch(stage, {
    ...{
      source: 'rooms',
      id: `${number}-room`,
      type: 'room_enter',
      atMs: 50 * minuteMs,
      identifiers: account,
    },
    fields: { channel, platform: 'wechat', room, streamer },
  })
  const skus = ['SKU-UNKNOWN']
  buy(stage, { number: 'unknown-sku', platform: 'wechat', at: 55 * minuteMs, buyer: account, skus })
  stage.truth.persons.push(account)
  stage.truth.lastTouch.set(orderIdOf(stage, 'unknown-sku'), `${stage.run}-${number}-room`)
}

/** Its identifiers name nobody: they must join nobody. */
function bot(stage: Stage): void {
  for (let visit = 0; visit < 40; visit += 1) {
    touch(stage, {
      ...{ source: 'web', id: `bot-${visit}`, type: 'click', atMs: visit * 4 * minuteMs },
      identifiers: [raw('visitor', 'null'), raw('user', 'undefined', 'douyin')],
      fields: { channel: 'web.search', page: 'https://shop.example/' },
    })
  }
}
