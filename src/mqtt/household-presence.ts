// Where everybody is, at the broker: the places of people, the counts of the household, the events of those who move, and the
// device in Home Assistant. No room leads. Each room computes the same from the presence leases (presence/household.ts), and one of
// them writes: the room that has the person, otherwise the first room by id of those that are received.
// Invariant: a place is written when it changes. What another room wrote by mistake is corrected after `repairMs`, not at once,
// because its message may have passed ours.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Clock, isoTime } from '../base/clock.js';
import { parseJson } from '../base/json.js';
import { isId } from '../gallery/names.js';
import type { PersonId } from '../gallery/person.js';
import type { RoomId } from '../presence/arbitration.js';
import { firstRoom, type HouseholdView, isRoom, isWriter, moveOf, type Place, placeOf } from '../presence/household.js';
import type { Component, DiscoveredPerson } from './components.js';
import type { MqttConnection } from './connection.js';
import {
  type DiscoveredHousehold,
  householdComponents,
  householdMessage,
  personOfKey,
} from './household-components.js';
import { householdDiscoveryTopic, householdTopics, roomTopics } from './topics.js';

export interface HouseholdPresenceOptions {
  readonly household: string;
  readonly room: { readonly id: RoomId; readonly name: string };
  readonly base: string;
  readonly discovery: boolean;
  readonly prefix: string;
  readonly trackers: boolean;
  readonly version: string;
}

export interface HouseholdPresence {
  readonly subscriptions: readonly string[];
  /** The broker is connected: its retained messages follow. */
  connected(): void;
  /** Home Assistant was started: everything is announced again. */
  announce(): void;
  /** Home Assistant went away: what is removed now it will not see, so it is removed once more when it is back. */
  homeAssistantAway(): void;
  /** Handles a message of the household. Ignores any other message. */
  receive(topic: string, payload: Buffer): void;
  /** The people who are enrolled in this room. */
  people(people: readonly DiscoveredPerson[]): void;
  /** The rooms as they are received at present, this one included. To be called several times a second. */
  update(view: HouseholdView): void;
}

/** After a connect, retained messages and leases need this long to arrive, milliseconds. */
const settleMs = 1_500;
/** Another room's leases come within this time after a connect, milliseconds: only then it is known which room is the first. */
const roomsKnownMs = 3_000;
/** A place that differs from what all rooms compute is written again after this time, milliseconds. */
const repairMs = 2_000;
const maxBytes = 16 * 1024;
const mostRooms = 32;
const mostPeople = 64;

const id = z.string().refine(isId);
const name = z.string().min(1).max(200);
const descriptionSchema = z.object({
  name,
  people: z.array(z.object({ person: id, name })).max(mostPeople),
});
const placeSchema = z.object({
  room: id.nullable(),
  place: z.string().max(200).nullable(),
  last_room: z.string().max(32).nullable(),
});

interface Description {
  readonly name: string;
  readonly people: readonly DiscoveredPerson[];
}

/** What the broker retains of a person. */
interface Stored {
  readonly place: Place;
  readonly lastKnown: Place;
  /** The text that Home Assistant shows: a room's name, `away`, or null. */
  readonly shown: string | null;
}

export function createHouseholdPresence(
  options: HouseholdPresenceOptions,
  connection: () => Pick<MqttConnection, 'send' | 'deliver' | 'keep' | 'isOpen'>,
  clock: Clock,
): HouseholdPresence {
  const { room } = options;
  const topics = householdTopics(options.household, room.id);
  const discoveryTopic = householdDiscoveryTopic(options.prefix, options.household);
  const descriptions = new Map<RoomId, Description>();
  const stored = new Map<PersonId, Stored>();
  const computed = new Map<PersonId, Place>();
  const wrongSinceMs = new Map<PersonId, number>();
  let ownPeople: readonly DiscoveredPerson[] = [];
  let connectedMs: number | null = null;
  let announced: string | null = null;
  let summary: string | null = null;
  let isAway = false;
  /** Something that the device shows may have changed since this room compared it with what is announced. */
  let isDeviceDue = true;
  /** Component keys of people that were removed while Home Assistant was away. */
  const unheard = new Set<string>();

  /** Everybody whom a room knows, by id; a name is that of the first room by id. */
  function everybody(): readonly DiscoveredPerson[] {
    const known = new Map<PersonId, DiscoveredPerson>();
    for (const [, { people }] of byId(descriptions))
      for (const person of people) if (!known.has(person.id)) known.set(person.id, person);
    return [...known.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  function describe(): void {
    isDeviceDue = true;
    descriptions.set(room.id, { name: room.name, people: ownPeople });
    const people = ownPeople.slice(0, mostPeople).map((person) => ({ person: person.id, name: person.name }));
    connection().keep(topics.description, JSON.stringify({ name: room.name, people }));
  }

  const nameOf = (place: Place): string | null => (isRoom(place) ? (descriptions.get(place)?.name ?? place) : place);

  function write(person: DiscoveredPerson, place: Place, isMove: boolean): void {
    const before = stored.get(person.id)?.lastKnown ?? null;
    const lastKnown = place ?? before;
    const at = isoTime(clock.wallMs());
    stored.set(person.id, { place, lastKnown, shown: nameOf(place) });
    isDeviceDue = true;
    void connection().deliver(
      `${topics.places}/${person.id}`,
      JSON.stringify({
        person: person.id,
        name: person.name,
        room: isRoom(place) ? place : null,
        place: nameOf(place),
        last_room: lastKnown,
        since: at,
      }),
    );
    const move = isMove ? moveOf(before, place) : null;
    if (move === null) return;
    const event = {
      event_type: move,
      person: person.id,
      name: person.name,
      from: before,
      to: place,
      from_name: nameOf(before),
      to_name: nameOf(place),
      at,
      id: randomUUID(),
    };
    connection().send(topics.moves, JSON.stringify(event), 1);
  }

  function updatePlace(person: DiscoveredPerson, view: HouseholdView, mayLead: boolean): void {
    const last = stored.get(person.id);
    const rooms = new Set([...descriptions.keys(), ...view.keys()]);
    const place = placeOf(person.id, view, last?.lastKnown ?? null, rooms);
    const hasChanged = !computed.has(person.id) || computed.get(person.id) !== place;
    computed.set(person.id, place);
    const isRight = last !== undefined && last.place === place && last.shown === nameOf(place);
    if (isRight) {
      wrongSinceMs.delete(person.id);
      return;
    }
    const isHolder = place === room.id;
    if (!isWriter(room.id, person.id, view) || !(isHolder || mayLead)) return;
    const nowMs = clock.monotonicMs();
    const sinceMs = wrongSinceMs.get(person.id) ?? nowMs;
    wrongSinceMs.set(person.id, sinceMs);
    if (!hasChanged && nowMs - sinceMs < repairMs) return;
    wrongSinceMs.delete(person.id);
    write(person, place, hasChanged);
  }

  function updateSummary(people: readonly DiscoveredPerson[], view: HouseholdView): void {
    const canTell = [...view.values()].some(({ watching }) => watching);
    const atHome = people.map(({ id: person }) => person).filter((person) => isRoom(computed.get(person) ?? null));
    const strangers = [...view.values()].reduce((sum, report) => sum + report.strangers, 0);
    const text = JSON.stringify({
      people: canTell ? atHome.length : null,
      strangers: canTell ? strangers : null,
      at_home: canTell ? atHome : null,
    });
    if (text === summary) return;
    summary = text;
    void connection().deliver(topics.summary, text);
  }

  /** Removes what is retained of people whom no room knows any more. */
  function forget(people: readonly DiscoveredPerson[]): void {
    const known = new Set(people.map((person) => person.id));
    for (const person of stored.keys()) {
      if (known.has(person)) continue;
      stored.delete(person);
      computed.delete(person);
      void connection().deliver(`${topics.places}/${person}`, '');
    }
  }

  function announceDevice(people: readonly DiscoveredPerson[]): void {
    const described: DiscoveredHousehold = {
      id: options.household,
      topics,
      people,
      roomNames: [
        ...new Set([
          ...byId(descriptions).map(([, description]) => description.name),
          ...[...stored.values()].flatMap(({ shown }) => (shown === null ? [] : [shown])),
        ]),
      ].sort(),
      statusTopics: byId(descriptions).map(([other]) => roomTopics(options.base, other).status),
      trackers: options.trackers,
      version: options.version,
    };
    const components = householdComponents(described);
    const message = householdMessage(described, components);
    if (message === announced) return;
    const send = (more: Readonly<Record<string, Component>>): void =>
      void connection().deliver(discoveryTopic, householdMessage(described, { ...components, ...more }));
    const removed = new Map(componentsOf(announced).filter(([key]) => components[key] === undefined));
    announced = message;
    if (isAway) for (const key of removed.keys()) unheard.add(key);
    else {
      // After its restart Home Assistant does not know these entities. They must be announced again before they can be removed.
      const former = [...unheard]
        .flatMap((key) => personOfKey(key) ?? [])
        .map((person) => ({ id: person, name: person }));
      // A person who was enrolled again in the meantime stays.
      const unknown = Object.entries(householdComponents({ ...described, people: former })).filter(
        ([key]) => unheard.has(key) && components[key] === undefined,
      );
      if (unknown.length > 0) send(Object.fromEntries(unknown));
      for (const [key, { p }] of unknown) removed.set(key, p);
      unheard.clear();
    }
    // A component that is only omitted stays: it is sent once more with only its platform.
    if (removed.size > 0) send(Object.fromEntries([...removed].map(([key, p]) => [key, { p }])));
    send({});
  }

  return {
    subscriptions: [
      topics.descriptions,
      `${topics.places}/+`,
      topics.summary,
      ...(options.discovery ? [discoveryTopic] : []),
    ],
    connected() {
      // Everything that the broker retains arrives again; what it lost must be written again.
      for (const other of descriptions.keys()) if (other !== room.id) descriptions.delete(other);
      stored.clear();
      computed.clear();
      announced = null;
      summary = null;
      connectedMs = clock.monotonicMs();
      describe();
    },
    announce() {
      announced = null;
      isDeviceDue = true;
      isAway = false;
    },
    homeAssistantAway() {
      isAway = true;
    },
    receive(topic, payload) {
      if (payload.length > maxBytes && topic !== discoveryTopic) return;
      isDeviceDue = true;
      const text = payload.toString('utf8');
      const leaf = topic.slice(topic.lastIndexOf('/') + 1);
      if (topic === discoveryTopic) announced = text === '' ? null : text;
      else if (topic === topics.summary) summary = text;
      else if (topic === `${topics.places}/${leaf}` && isId(leaf)) {
        const place = text === '' ? null : parseJson(text, placeSchema);
        if (place === null) stored.delete(leaf);
        else {
          const present = place.room ?? (place.place === 'away' ? 'away' : null);
          stored.set(leaf, { place: present, lastKnown: place.last_room, shown: place.place });
        }
      } else if (
        topics.descriptions === `${topic.slice(0, topic.lastIndexOf('/'))}/+` &&
        isId(leaf) &&
        leaf !== room.id
      ) {
        const description = text === '' ? null : parseJson(text, descriptionSchema);
        if (description === null) descriptions.delete(leaf);
        else if (descriptions.has(leaf) || descriptions.size < mostRooms) {
          const people = description.people.map((person) => ({ id: person.person, name: person.name }));
          descriptions.set(leaf, { name: description.name, people });
        }
      }
    },
    people(people) {
      if (JSON.stringify(people) === JSON.stringify(ownPeople)) return;
      ownPeople = people;
      describe();
    },
    update(view) {
      if (connectedMs === null || !connection().isOpen) return;
      const sinceConnectMs = clock.monotonicMs() - connectedMs;
      if (sinceConnectMs < settleMs) return;
      const people = everybody();
      const mayLead = firstRoom(view) === room.id && sinceConnectMs >= roomsKnownMs;
      // A name must be an option before it is a state.
      if (mayLead && options.discovery && isDeviceDue) {
        isDeviceDue = false;
        announceDevice(people);
      }
      for (const person of people) updatePlace(person, view, mayLead);
      if (!mayLead) return;
      updateSummary(people, view);
      forget(people);
    },
  };
}

const byId = <Value>(map: ReadonlyMap<string, Value>): [string, Value][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1));

/** Keys and platforms of the people's components in a discovery message; none in a text of another program. */
function componentsOf(message: string | null): readonly (readonly [string, string])[] {
  const schema = z.object({ cmps: z.record(z.string(), z.object({ p: z.string() })) });
  const parsed = message === null ? null : parseJson(message, schema);
  return Object.entries(parsed?.cmps ?? {})
    .filter(([key]) => personOfKey(key) !== null)
    .map(([key, { p }]) => [key, p] as const);
}
