/**
 * What the service tells the page, and what the page makes of it. No browser reads this: it is for `make verify` and for
 * editors.
 */

import type { Clock } from "./dashboard/time.js";

/** Instants are ISO 8601 texts, subjects are keys such as `container:MSKU0000007`. */
interface Common {
  /** Its id, which it keeps through corrections. */
  fact: string;
  subject?: string;
  consignment?: string;
  code?: string;
  point?: string;
  country?: string;
  /** As it was reported; `instant` is what follows from it. */
  occurred_at?: string;
  instant?: string;
  reported_by?: string;
  confidence?: string;
  via?: string;
  disputed?: boolean;
  claim?: boolean;
  /** Seen where it stays: neither come nor gone. */
  sighting?: boolean;
  /** Told, and cannot have been in this order. */
  out_of_order?: boolean;
  state?: string;
  severity?: string;
  /** The fact that an exception is about. */
  about?: string;
  sayings?: Saying[];
  detail?: string;
  /** Of a step that several parts took: who they are, and when the first one took it. */
  subjects?: string[];
  from?: string;
}

interface OfSubject extends Common {
  subject: string;
}

export interface Milestone extends OfSubject {
  topic: "milestone";
  code: string;
}

export interface Customs extends OfSubject {
  topic: "customs";
}

export interface Exception extends OfSubject {
  topic: "exception";
  code: string;
}

export interface Violation extends OfSubject {
  topic: "violation";
  code: string;
}

export interface Arrival extends OfSubject {
  topic: "arrival";
}

/** One fact, as it stands in a picture. */
export type Fact = Milestone | Customs | Exception | Violation | Arrival;

/** A milestone that parts of a subject took, each step once. */
export interface Step extends Common {
  topic: "milestone";
  code: string;
  subjects: string[];
  from: string;
}

/** What a timeline tells. */
export type Told = Fact | Step;

/** One of the reports that an exception rests on. */
export interface Saying {
  reported_by?: string;
  code?: string;
  point?: string;
  occurred_at?: string;
  counts?: boolean;
}

/** One item of the feed: a fact as it was told, with its number. */
export type Item = Fact & {
  item: string;
  action: "new" | "changed" | "withdrawn" | "backfill";
  supersedes?: string;
  sequence: number;
  recorded_at: string;
  late?: boolean;
};

export interface Association {
  subject: string;
  relation: string;
  start: string;
  end?: string;
}

/** What the list shows of a subject; of strangers no more than the first three are known. */
export interface Row {
  subject: string;
  kind: string;
  status: string;
  recorded_at?: string;
  point?: string;
  moving?: boolean;
  observed_at?: string;
  reported_by?: string;
  confidence?: string;
  exceptions?: number;
  origin?: string;
  destination?: string;
  run?: string;
  members?: string[];
  associations?: Association[];
  references?: string[];
  /** A consignment's units as they were while they carried it. */
  parts?: Part[];
  units?: Record<string, number>;
  last_seen?: Sighting;
  ended?: boolean;
  /** The end of its way. */
  expected?: Expected[];
}

/** When a subject is expected at a point ahead: eight of ten come from `earliest` to `latest`. */
export interface Expected {
  point: string;
  expected: string;
  earliest: string;
  latest: string;
  planned?: string;
  source?: string;
  /** How many past journeys `corridor` rests on. */
  journeys?: number;
}

export interface Part {
  subject: string;
  status: string;
  point?: string;
  instant?: string;
}

/** Seen since it came to or left its place: at a point, or at a position in degrees. */
export interface Sighting {
  observed_at: string;
  point?: string;
  position?: { latitude: number; longitude: number };
}

/** Where a subject is, or was seen last; `of` is the part that was seen, where it was not itself. */
export interface Place {
  point?: string;
  moving?: boolean;
  observed_at: string;
  party?: string;
  confidence?: string;
  of?: string;
}

/** What a subject's page shows. */
export interface Subject {
  subject: string;
  status: string;
  place?: Place;
  origin?: string;
  destination?: string;
  run?: string;
  members?: string[];
  associations?: Association[];
  references?: string[];
  units?: Record<string, number>;
  last_seen?: Sighting;
  ended?: boolean;
  /** The points ahead, in order. */
  expected?: Expected[];
  facts: Fact[];
  related: Fact[];
  of_parts: Step[];
}

export interface Me {
  party: string;
  name: string;
  role: string;
  country?: string | null;
  stepped: boolean;
}

export interface Point {
  key: string;
  name: string;
  country: string;
  zone: string;
}

export interface Overview {
  items: Row[];
  cursor: number;
  now: string;
  away?: Record<string, string>;
}

/** By whose clock an instant is told: `why` names the place whose clock was borrowed. */
export interface Where {
  point?: string;
  country?: string;
  occurred?: string;
  why?: string;
}

export type Zone = "place" | "mine" | "utc";
export type Freshness = "fresh" | "ageing" | "stale" | "silent";

/** Where a subject was seen last: itself, or the newest of its parts, with how many other places the rest is at. */
export interface Seen {
  point?: string;
  moving?: boolean;
  row: Row;
  others?: number;
}

/** Something that needs somebody; the smaller the rank, the sooner. `of` and `since` are a silence's. */
export interface Matter {
  kind: string;
  word: string;
  rank: number;
  fact?: Fact;
  of?: string;
  since?: string;
}

/** One line of the list: what follows from a row, and from what is open about it. */
export interface Line {
  row: Row;
  status: string;
  isOver: boolean;
  seen: Seen | null;
  at?: string;
  fresh: Freshness | null;
  matters: Matter[];
  rank: number;
}

/** What a fact says: a shape, a tone, a title, and more. */
export interface Description {
  shape: string;
  tone: string;
  title: string;
  more?: string;
}

/** One line of a timeline: something that happened, or a silence of `gap` milliseconds. */
export interface Entry {
  key: string;
  fact?: Told;
  gap?: number;
  of?: string | null;
  isTrouble?: boolean;
  isNow?: boolean;
}

/** What is known of the live stream; the times are by the page's own clock. */
export interface Connection {
  phase: "connecting" | "live" | "reconnecting" | "stale" | "refused";
  heard: number | null;
  next: number | null;
}

/** What is loaded of the subject whose page is open. */
export interface Page {
  key: string | null;
  data: Subject | null;
  failure: { passes: boolean } | null;
  tries: number;
  isOld?: boolean;
  asOf?: string;
}

export type Handler = (event: never) => unknown;

/** Attributes and handlers of an element. */
export interface Props {
  onclick?: (event: MouseEvent) => unknown;
  onsubmit?: (event: SubmitEvent) => unknown;
  oninput?: (event: InputEvent) => unknown;
  onchange?: (event: globalThis.Event) => unknown;
  [name: string]: Handler | string | number | boolean | null | undefined;
}

/** What may stand in an element; null, undefined and false stand for nothing. */
export type Child = Node | string | number | boolean | null | undefined | Child[];

/** An element that the page has made, with what it remembers of it. */
export interface Drawn extends HTMLElement {
  value?: string;
  handlers?: Record<string, Handler>;
  kept?: Map<string, { el: Drawn; sign: string }>;
}

/** A drawing: an element with its attributes, and others beside it. */
export type Shape = [tag: string, props: Props, ...beside: Shape[]];

/** One view, painted: `fill` looks after the lists in it. */
export interface View {
  title: string;
  tree: Drawn;
  isReady: boolean;
  fill(root: Drawn): void;
}

/** What a list is brought to, one child for each model. */
export interface Listed<Model> {
  key(model: Model): string;
  signature(model: Model): string;
  build(model: Model): Drawn;
  onChange?(el: Drawn, model: Model, isNew: boolean): unknown;
}

/** Everything that the page knows. */
export interface State {
  me: Me | null;
  points: Map<string, Point>;
  silentHours: number;
  clock: Clock;
  zone: Zone;
  rows: Map<string, Row>;
  truncated: boolean;
  attention: Fact[];
  items: Item[];
  /** Items before those, as far back as somebody has asked. */
  older: { items: Item[]; isAll: boolean; isAsked: boolean; failure: unknown };
  /** The ids of items that have come. */
  seen: Set<string>;
  /** What replaced an item, by the id of what it replaced. */
  replaced: Map<string, Item>;
  connection: Connection;
  trouble: { what: string; next: number } | null;
  /** Services from which nothing new comes at present, and since when. */
  away: Record<string, string>;
  signedOut: string | null;
  loaded: boolean;
  page: Page;
  /** What has changed since the last paint, to be marked for a moment. */
  touched: Set<string>;
}

/** What each address of the service answers. */
export interface Answers {
  "v1/me": Me;
  "v1/points": { items: Point[]; silent_hours?: number };
  "v1/overview": Overview;
  "v1/attention": { items: Fact[] };
  "v1/feed": { items: Item[]; after: number };
  [subject: `v1/subjects/${string}`]: Subject;
}
