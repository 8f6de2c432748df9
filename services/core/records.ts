// Generated from schemas/*.avsc by `npm run generate`. Do not edit.

/** Money spent on advertising over a span of time, evenly. Always whole, never a patch; the latest said of a key counts. */
export interface AdSpend {
  /** Who stated it */
  readonly source: string
  /** Unique within the source */
  readonly id: string
  readonly from_at: number
  /** The first moment after the span */
  readonly to_at: number
  /** What the money was for; empty where it was for no one of them, as all below */
  readonly platform: string
  readonly shop: string
  readonly channel: string
  readonly campaign: string
  readonly room: string
  readonly streamer: string
  /** ISO 4217 */
  readonly currency: string
  readonly amount_minor: number
  /** Stated by mistake: counts no more */
  readonly withdrawn: boolean
  /** When the source changed it last, where it says so; else accepted_at stands for it */
  readonly updated_at: number | null
  readonly accepted_at: number
}

/** A touchpoint on its way to the first of its identifiers that is no hub. */
export interface Arrival {
  readonly touchpoint: Touchpoint
  /** Hubs that have passed it on */
  readonly declined: readonly string[]
  /** All have declined: the first keeps it */
  readonly last: boolean
}

/** One version of an order with its person, journey and the credits of every model. A higher version replaces a lower one as a whole. */
export interface AttributedOrder {
  readonly order: Order
  /** Smallest identifier of the person */
  readonly person: string
  readonly person_identifiers: readonly string[]
  /** What joined the identifiers; at most 50 */
  readonly evidence: readonly Evidence[]
  /** Null while the order does not count yet: no credits then */
  readonly converted_at: number | null
  /** Paid less refunded */
  readonly net_minor: number
  /** By time; at most 200 */
  readonly journey: readonly JourneyTouch[]
  /** Touches left out of the journey, counted by reason */
  readonly not_shown: Readonly<Record<string, number>>
  readonly credits: readonly Credit[]
  /** Name of the attribution settings that applied at conversion */
  readonly settings: string
  /** generation * 2^32 + counter */
  readonly version: number
  /** What made this version: snapshot, touch, merge, settings, trained, forget */
  readonly cause: string
  /** Credits of the version before this one */
  readonly replaces: readonly Credit[]
  /** What the roll-ups need of the version before */
  readonly replaces_order: ReplacedOrder | null
  /** Version by which each trained model credited the order; a model that had not been trained then is missing, and has no credits */
  readonly trained: Readonly<Record<string, string>>
}

/** What a training found out about one channel. */
export interface ChannelEffect {
  readonly channel: string
  /** Journeys that held it */
  readonly journeys: number
  /** Of those, that ended in an order */
  readonly conversions: number
  /** Parts of 10^9. markov: the share of orders that would not be without it; shapley: its share of the orders */
  readonly effect_ppb: number
  /** The effects made to sum to 10^9 */
  readonly weight_ppb: number
}

/** How often journeys went from one channel to the next. */
export interface ChannelTransition {
  /** A channel, or (start) */
  readonly from_state: string
  /** Another channel, or (conversion) or (none): how the journey ended */
  readonly to_state: string
  readonly times: number
}

/** What one channel weighs under a trained model. */
export interface ChannelWeight {
  readonly channel: string
  /** Parts of 10^9, never negative; the weights of a model sum to 10^9 */
  readonly weight_ppb: number
}

/** What the platform itself says led to an order line. */
export interface Claim {
  /** e.g. douyin.live, douyin.video, wechat.promoter */
  readonly channel: string
  readonly room: string
  readonly streamer: string
  readonly video: string
  readonly promoter: string
}

/** The share of one order's money that one model gives one touchpoint. */
export interface Credit {
  readonly model: string
  /** Of the touchpoint; empty for direct, "claim" for the platform's claim */
  readonly source: string
  readonly touchpoint_id: string
  /** direct when no touchpoint is eligible */
  readonly channel: string
  readonly platform: string
  readonly room: string
  readonly streamer: string
  readonly video: string
  readonly campaign: string
  readonly promoter: string
  /** Parts of 10^9; the weights of one model sum to 10^9 */
  readonly weight_ppb: number
  /** The amounts of one model sum to the order's net paid amount */
  readonly amount_minor: number
}

/** What an operator decided about a dead letter. */
export interface DeadLetterOutcome {
  /** Its id: topic:partition:offset:stage of the refused record */
  readonly letter: string
  /** replayed, dropped, superseded */
  readonly outcome: string
  /** Who decided */
  readonly decided_by: string
  /** The operator's reason, or the newer record that supersedes */
  readonly why: string
  readonly decided_at: number
}

/** What became of one document on its way to the ERP. The newest record of a key is the sink's memory. */
export interface ErpDelivery {
  /** Order key, delta:<partition>:<warehouse>, or owner:<partition> */
  readonly document_key: string
  /** order, delta, owner */
  readonly kind: string
  readonly order_key: string
  /** planned, delivered, refused; of an owner: owned, released */
  readonly outcome: string
  /** Version of the attributed order it reflects */
  readonly version: number
  readonly digest: string
  /** External reference in the ERP; of an owner its token */
  readonly reference: string
  readonly erp_id: string
  readonly erp_state: string
  /** Whose credits named the source fields */
  readonly model: string
  /** JSON: what was delivered, for the next amendment */
  readonly detail: string
  /** The ERP's own words when it refused */
  readonly words: string
  /** Of the order */
  readonly accepted_at: number | null
  readonly delivered_at: number | null
}

/** One set of identifiers seen together, and the earliest record that showed it. */
export interface Evidence {
  /** Strongest first */
  readonly identifiers: readonly string[]
  /** Source of the touchpoint, or "order" */
  readonly source: string
  /** Touchpoint id, or order key */
  readonly id: string
  /** Of that touchpoint, or created_at of that order */
  readonly at: number
}

/** A message from one identity node to another; exactly one of the fields after "to" is set. */
export interface Fact {
  /** Node: an identifier, or order:<order key> */
  readonly to: string
  readonly arrival: Arrival | null
  readonly sighting: Sighting | null
  /** The other node */
  readonly link: string | null
  /** An order that a foreign producer sent to another partition than its own */
  readonly snapshot: Order | null
  readonly touch: Touchpoint | null
  readonly evidence: Evidence | null
  readonly hub: string | null
  readonly order: OrderEntry | null
  readonly member: Member | null
  /** An identifier whose person was forgotten and whose node is still to go */
  readonly forgotten: string | null
  readonly forget: Forget | null
  readonly reset: Reset | null
  readonly farewell: Farewell | null
}

/** A root that has shown nothing for long and its identifiers take leave of one another: asked by the root, answered by each identifier. */
export interface Farewell {
  readonly root: string
  /** Which attempt it is */
  readonly began_at: number
  /** come: point straight to the root; go: be no more */
  readonly step: string
  /** An identifier's answer, on its way to the root */
  readonly answers: boolean
  /** Answer of a hub that was seen not long ago: it stays, and the root with it */
  readonly seen_at: number | null
}

/** Something an operator may want to look at. */
export interface Finding {
  /** Identifier, order key or topic-partition */
  readonly subject: string
  /** hub, contested, oversized, told_late, stray_record */
  readonly kind: string
  readonly detail: string
}

/** Forget the person of an identifier: told to the identifier, carried out by whoever holds its facts. */
export interface Forget {
  readonly identifier: string
  /** Node set:<random> that takes over what remains when the root itself is forgotten */
  readonly set: string
  /** The identifier is of another set: only mentions of it go */
  readonly mentioned: boolean
  /** Everything said before has been heard: the nodes themselves may go */
  readonly finally: boolean
}

/** What an order came to when its touches left the store; refunds scale it, nothing else changes it. */
export interface FrozenCredits {
  readonly converted_at: number | null
  /** Name of the attribution settings that applied */
  readonly settings: string
  readonly journey: readonly JourneyTouch[]
  readonly not_shown: Readonly<Record<string, number>>
  /** Their weights hold; amounts follow the net paid amount */
  readonly credits: readonly Credit[]
  /** As the attributed order has it */
  readonly trained: Readonly<Record<string, string>>
}

/** Which person an identifier belongs to. A higher version replaces a lower one. */
export interface Identity {
  readonly identifier: string
  readonly kind: string
  /** Smallest identifier of the person; a hub or contested identifier stands for itself */
  readonly person: string
  /** member, contested, hub */
  readonly state: string
  /** The sets it was seen in; at most 20 */
  readonly evidence: readonly Evidence[]
  readonly version: number
}

/** One entry of the journey stage's store; exactly one field is set. */
export interface JourneyEntry {
  readonly head: NodeHead | null
  readonly touch: Touchpoint | null
  readonly evidence: Evidence | null
  readonly hub: string | null
  readonly order: OrderEntry | null
  readonly member: Member | null
  /** The key says it all: an identifier set that was announced, or an identifier this one was seen with */
  readonly noted: boolean | null
  /** At the node of trained models: one version */
  readonly trained: TrainedModel | null
  /** At the node of trained models: which there are */
  readonly trained_versions: TrainedVersions | null
}

/** One touchpoint of an order's journey, or several of one kind less than the session gap apart. */
export interface JourneyTouch {
  readonly source: string
  /** Of the earliest one collapsed */
  readonly id: string
  readonly type: string
  readonly first_at: number
  readonly last_at: number
  /** How many were collapsed into this one */
  readonly touches: number
  readonly channel: string
  readonly platform: string
  readonly room: string
  readonly streamer: string
  readonly video: string
  readonly sku: string
  readonly campaign: string
  readonly promoter: string
  readonly link: string
  readonly counted: boolean
  /** Why it counted or did not: eligible, outside_window, view_beside_click, same_as_touchpoint (a claim), before_previous_order, other_product, unknown_type, beyond_limit */
  readonly reason: string
}

/** One room on the air, as announced or as it was. Always whole, never a patch; the latest said of a key counts. */
export interface LiveSession {
  readonly platform: string
  /** As touchpoints and claims name it */
  readonly room: string
  /** Which of several where a platform keeps one room for all; empty where each session has a room of its own */
  readonly session: string
  /** Empty for more than one */
  readonly shop: string
  readonly streamer: string
  readonly title: string
  readonly started_at: number
  /** Null until it is over */
  readonly ended_at: number | null
  /** ISO 4217 */
  readonly currency: string
  /** Paid for the session as such, whatever it sells */
  readonly slot_fee_minor: number
  /** The streamer's share of what is credited to the room, less refunds: 2000 is 20 % */
  readonly commission_basis_points: number
  /** Stated by mistake: counts no more */
  readonly withdrawn: boolean
  /** Who stated it */
  readonly source: string
  /** When the source changed it last, where it says so; else accepted_at stands for it */
  readonly updated_at: number | null
  readonly accepted_at: number
}

/** An identifier as the root of its set keeps it: which version of its identity was emitted last. */
export interface Member {
  readonly identifier: string
  readonly version: number
  readonly digest: string
}

/** One training of one model in full: what it was computed from and what came of it. */
export interface ModelTraining {
  /** markov, shapley */
  readonly model: string
  /** As the trained model has it */
  readonly version: string
  readonly valid_from: number
  readonly trained_at: number
  /** Journeys that ended from then on */
  readonly window_from: number
  /** until before then */
  readonly window_to: number
  /** After so long without a touch a journey has ended without an order */
  readonly timeout_ms: number
  /** With more channels than this the rarest were counted as other */
  readonly channels_max: number
  /** How many were */
  readonly channels_folded: number
  readonly journeys: number
  /** Journeys that ended in an order */
  readonly conversions: number
  /** markov: the chain's probability of an order, in parts of 10^9; shapley: the share of journeys that ended in one */
  readonly conversion_ppb: number
  /** By channel */
  readonly effects: readonly ChannelEffect[]
  /** By state; none for shapley, which does not look at order */
  readonly transitions: readonly ChannelTransition[]
  /** As the trained model has it */
  readonly unseen_ppb: number
}

/** What an identity node knows of itself. */
export interface NodeHead {
  /** Smaller node it points to; empty for a root */
  readonly parent: string
  /** Identifiers of limited kinds it was directly seen with; emptied once it is a hub */
  readonly seen_with: readonly string[]
  readonly hub: boolean
  /** Order nodes only: the identifiers of all snapshots */
  readonly identifiers: readonly string[]
  /** Roots only: how many identifiers it holds */
  readonly members: number
  /** How many identifiers of other kinds it was directly seen with; each is an entry of its own */
  readonly others: number
  /** Order nodes only: its buyer was forgotten; snapshots lose identifiers and buyer */
  readonly nameless: boolean
  /** Roots only: since when it holds neither touches nor orders */
  readonly idle_since: number | null
  /** Forgotten: passes on what still comes, until it goes */
  readonly leaving: boolean
  /** Hubs only: the day of the last record that named it, since that leaves no other trace with it */
  readonly seen_at: number | null
  /** Roots only: set while it takes leave of its identifiers */
  readonly parting: Parting | null
  /** Points to a forgotten node, which passes on what is under way; straight to the root when told of it again */
  readonly detour: boolean
}

/** An order as its root keeps it. Snapshot, version and last emission move together, so that two roots never hold one order. */
export interface OrderEntry {
  /** The newest snapshot */
  readonly order: Order
  /** Of all snapshots */
  readonly identifiers: readonly string[]
  /** Of the last emission; 0 before the first */
  readonly version: number
  /** Of the last emission's content; empty forces the next one */
  readonly digest: string
  /** Of the last emission */
  readonly credits: readonly Credit[]
  readonly emitted: ReplacedOrder | null
  /** Set once touches it may need have left the store */
  readonly frozen: FrozenCredits | null
  /** Its buyer was forgotten: snapshots lose identifiers and buyer */
  readonly nameless: boolean
  /** When its moments were first told: earliest acceptance, in epoch ms, of a snapshot by "created <ms>" or "paid <ms>" */
  readonly told: Readonly<Record<string, number>>
  /** Of the last emission */
  readonly trained: Readonly<Record<string, string>>
}

export interface OrderLine {
  /** Unique within the order */
  readonly line_id: string
  /** The merchant's SKU code, as the ERP knows it */
  readonly sku: string
  readonly title: string
  readonly quantity: number
  /** What the buyer paid for the whole line, discounts taken off, without freight */
  readonly paid_minor: number
  /** Refunded so far on this line */
  readonly refunded_minor: number
  /** Pieces returned so far */
  readonly refunded_quantity: number
  readonly warehouse: string
  readonly claim: Claim | null
}

/** One platform order, always a full snapshot. Snapshots are ordered by (updated_at, rank of status, refunded_minor, content), never by arrival. */
export interface Order {
  /** platform:shop:order_id */
  readonly order_key: string
  readonly platform: string
  readonly shop: string
  readonly order_id: string
  /** Name of the gateway source that signed it */
  readonly source: string
  /** created, paid, partly_shipped, shipped, completed, refunded, cancelled */
  readonly status: string
  /** sale, sample, gift */
  readonly kind: string
  /** ISO 4217 */
  readonly currency: string
  readonly created_at: number
  readonly paid_at: number | null
  readonly updated_at: number
  readonly accepted_at: number
  /** What the buyer paid: sum of the lines plus freight */
  readonly paid_minor: number
  /** Refunded so far, lines and freight */
  readonly refunded_minor: number
  readonly freight_minor: number
  readonly lines: readonly OrderLine[]
  /** Keyed hashes of the buyer's identifiers, strongest first */
  readonly identifiers: readonly string[]
  /** unsettled, settled */
  readonly settlement: string
  readonly settled_minor: number
  /** JSON {name, phone, address {...}}: what the ERP needs of the buyer */
  readonly sealed_buyer: SealedField | null
}

/** How far a root has come in taking leave of its identifiers. */
export interface Parting {
  readonly began_at: number
  /** come or go, see Farewell */
  readonly step: string
  /** Answers of this step still to come */
  readonly awaited: number
}

/** What one piece of a SKU costs from a time on. Always whole, never a patch; the latest said of a key counts. */
export interface ProductCost {
  /** The merchant's own code, as the ERP knows it */
  readonly sku: string
  /** ISO 4217 */
  readonly currency: string
  /** Until the next valid_from of the SKU and currency */
  readonly valid_from: number
  /** Of one piece */
  readonly cost_minor: number
  /** Stated by mistake: counts no more */
  readonly withdrawn: boolean
  /** Who stated it */
  readonly source: string
  /** When the source changed it last, where it says so; else accepted_at stands for it */
  readonly updated_at: number | null
  readonly accepted_at: number
}

/** The dimensions of an order's earlier version under which its credits were summed. */
export interface ReplacedOrder {
  readonly version: number
  readonly converted_at: number | null
  readonly currency: string
}

/** Tells a node of a set that some identifiers are forgotten: to hold no trace of them, and where its facts go from now on. */
export interface Reset {
  /** The node itself may be one: it then only passes on what still comes */
  readonly forgotten: readonly string[]
  /** Root from now on; empty when nothing but the forgotten was there */
  readonly parent: string
  /** Order nodes: from now on snapshots lose identifiers and buyer */
  readonly nameless: boolean
  /** The node is to go altogether */
  readonly gone: boolean
}

/** AES-256-GCM over UTF-8 JSON; only the erp-sink holds the key. data = 12 bytes nonce, ciphertext, 16 bytes tag; the order key is the additional authenticated data. */
export interface SealedField {
  readonly key_id: string
  readonly data: Uint8Array
}

/** Tells an identifier with which others it was seen, and which node keeps the record. */
export interface Sighting {
  readonly identifiers: readonly string[]
  readonly home: string
}

/** Which SKU of the merchant a platform's SKU is. Always whole, never a patch; the latest said of a key counts. */
export interface SkuMapping {
  readonly platform: string
  /** Empty for every shop of the platform that has no mapping of its own */
  readonly shop: string
  readonly platform_sku: string
  /** The merchant's own code, as the ERP knows it */
  readonly sku: string
  /** Of the own SKU in one of the platform's */
  readonly pieces: number
  /** Stated by mistake: counts no more */
  readonly withdrawn: boolean
  /** Who stated it */
  readonly source: string
  /** When the source changed it last, where it says so; else accepted_at stands for it */
  readonly updated_at: number | null
  readonly accepted_at: number
}

/** What the runtime itself keeps in a stage's changelog: how far its inputs are applied, who owns the partition, which record crashed it. */
export interface StageMark {
  /** Topic to next offset */
  readonly positions: Readonly<Record<string, number>>
  /** Partition count all topics of the stage must have */
  readonly partitions: number
  readonly owner: string
  /** topic:offset to number of crashes */
  readonly crashes: Readonly<Record<string, number>>
  /** Number of the settings in force */
  readonly epoch: number
  /** Those settings, as JSON; empty before the first */
  readonly settings: string
  /** Settings under which every order has been looked at */
  readonly settled_epoch: number
}

/** What the stock stage keeps of an order. */
export interface StockEntry {
  /** The newest snapshot */
  readonly order: Order
  readonly positions: readonly StockPosition[]
}

/** What the ERP has of a SKU in a warehouse. The latest reading of a key counts. */
export interface StockLevel {
  readonly sku: string
  /** Code of the warehouse in the ERP */
  readonly warehouse: string
  /** Pieces on hand */
  readonly quantity: number
  /** Pieces left once everything planned has moved in and out; null where the ERP does not say */
  readonly forecast: number | null
  /** The ERP shows the SKU there no more; the quantity is 0 */
  readonly withdrawn: boolean
  /** Which ERP */
  readonly source: string
  /** When it was read */
  readonly read_at: number
}

/** How many pieces of a SKU an order reserves that no ERP sale represents. Absolute: the newest version replaces the one before. */
export interface StockPosition {
  readonly order_key: string
  readonly sku: string
  readonly warehouse: string
  readonly quantity: number
  /** unpaid, sample, gift, or released */
  readonly reason: string
  /** Of the snapshot it follows from */
  readonly updated_at: number
  readonly version: number
}

/** One recorded contact of somebody with something we sell. Unique by (source, id); of several with one key the earliest accepted counts, in a journey of those within its window. */
export interface Touchpoint {
  /** Name of the source whose write key the event carried */
  readonly source: string
  /** Event id minted by the client, or by the edge when the client gave none; unique within source */
  readonly id: string
  /** What happened: card_click, room_enter, scan, click, form, share, page_view, impression */
  readonly type: string
  /** When it happened, client clock skew corrected */
  readonly at: number
  /** When the client sent it, by the client's clock */
  readonly sent_at: number | null
  /** When the edge took it over */
  readonly accepted_at: number
  /** Keyed hashes, kind:hash or kind:scope:hash, strongest first; empty for an event that names nobody */
  readonly identifiers: readonly string[]
  /** Where it happened, e.g. douyin.live, wechat.group */
  readonly channel: string
  readonly platform: string
  readonly shop: string
  /** Live session */
  readonly room: string
  readonly streamer: string
  readonly video: string
  /** Product shown or clicked, where known */
  readonly sku: string
  /** utm_campaign */
  readonly campaign: string
  /** utm_source */
  readonly campaign_source: string
  /** utm_medium */
  readonly medium: string
  /** utm_content */
  readonly content: string
  /** utm_term */
  readonly term: string
  /** Short code of the tracking link or QR code */
  readonly link: string
  /** comment, profile, group, booth, dealer ... */
  readonly placement: string
  /** Origin and path of the page, without query */
  readonly page: string
  /** Host of the referring page */
  readonly referrer: string
  /** Identifier of the person whose share led here */
  readonly shared_by: string
}

/** Weights of channels computed from all journeys, as orders are credited by them. Each partition of its topic holds a copy. */
export interface TrainedModel {
  /** markov, shapley */
  readonly model: string
  /** When it was trained and a digest of what it says: the same version says the same */
  readonly version: string
  /** It applies to conversions from then on, until a later one does */
  readonly valid_from: number
  readonly trained_at: number
  /** By name */
  readonly channels: readonly ChannelWeight[]
  /** What a channel that none of the journeys held weighs: as the least of those that weigh anything */
  readonly unseen_ppb: number
}

/** Which version of a trained model applies from when. */
export interface TrainedVersion {
  readonly valid_from: number
  readonly version: string
}

/** The versions of one trained model that a partition knows, the earliest first. */
export interface TrainedVersions {
  readonly versions: readonly TrainedVersion[]
}

/** Every record by its name. */
export interface Records {
  readonly AdSpend: AdSpend
  readonly Arrival: Arrival
  readonly AttributedOrder: AttributedOrder
  readonly ChannelEffect: ChannelEffect
  readonly ChannelTransition: ChannelTransition
  readonly ChannelWeight: ChannelWeight
  readonly Claim: Claim
  readonly Credit: Credit
  readonly DeadLetterOutcome: DeadLetterOutcome
  readonly ErpDelivery: ErpDelivery
  readonly Evidence: Evidence
  readonly Fact: Fact
  readonly Farewell: Farewell
  readonly Finding: Finding
  readonly Forget: Forget
  readonly FrozenCredits: FrozenCredits
  readonly Identity: Identity
  readonly JourneyEntry: JourneyEntry
  readonly JourneyTouch: JourneyTouch
  readonly LiveSession: LiveSession
  readonly Member: Member
  readonly ModelTraining: ModelTraining
  readonly NodeHead: NodeHead
  readonly OrderEntry: OrderEntry
  readonly OrderLine: OrderLine
  readonly Order: Order
  readonly Parting: Parting
  readonly ProductCost: ProductCost
  readonly ReplacedOrder: ReplacedOrder
  readonly Reset: Reset
  readonly SealedField: SealedField
  readonly Sighting: Sighting
  readonly SkuMapping: SkuMapping
  readonly StageMark: StageMark
  readonly StockEntry: StockEntry
  readonly StockLevel: StockLevel
  readonly StockPosition: StockPosition
  readonly Touchpoint: Touchpoint
  readonly TrainedModel: TrainedModel
  readonly TrainedVersion: TrainedVersion
  readonly TrainedVersions: TrainedVersions
}

export type RecordName = keyof Records
