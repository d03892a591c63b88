// The script of the demo: the position of each person over time, and the events that roomkin must publish. Times are seconds from the
// first frame. `stage.ts` draws the frames, `demo.ts` checks the events.

/** The source of a face: a sample photo and the index of the face, from 0, counted from the left. */
export interface Casting {
  readonly photo: string;
  readonly face: number;
}

export interface Role {
  readonly key: string;
  /** The name for the enrolment; null for an unknown person. */
  readonly name: string | null;
  /** The photo to enrol; null for an unknown person. */
  readonly enrolledFrom: Casting | null;
  /** The photo that the frames show. */
  readonly seenFrom: Casting;
}

/**
 * The sample photos show groups of people. Ada is in two of them, so she is recognised in another photo than the enrolled one. Grace is
 * in one only; the frames show her smaller and in other light.
 */
export const cast: readonly Role[] = [
  {
    key: 'ada',
    name: 'Ada',
    enrolledFrom: { photo: 'sample3.jpg', face: 1 },
    seenFrom: { photo: 'sample1.jpg', face: 2 },
  },
  {
    key: 'grace',
    name: 'Grace',
    enrolledFrom: { photo: 'sample6.jpg', face: 3 },
    seenFrom: { photo: 'sample6.jpg', face: 3 },
  },
  { key: 'visitor', name: null, enrolledFrom: null, seenFrom: { photo: 'sample5.jpg', face: 2 } },
];

/** The path of a role through the picture in a period; positions are interpolated. */
export interface Walk {
  readonly role: string;
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** Centre of the face as a fraction of the picture's width; outside 0 to 1 it is not in the picture. */
  readonly fromX: number;
  readonly toX: number;
  /** Distance between the eyes, pixels. */
  readonly eyesPx: number;
  /** The frames show the back of the head, so there is no face. */
  readonly turnedAway?: boolean;
}

export const walks: readonly Walk[] = [
  { role: 'ada', fromSeconds: 1, toSeconds: 2.4, fromX: -0.2, toX: 0.28, eyesPx: 34 },
  { role: 'ada', fromSeconds: 2.4, toSeconds: 7, fromX: 0.28, toX: 0.3, eyesPx: 34 },
  { role: 'ada', fromSeconds: 7, toSeconds: 9, fromX: 0.3, toX: 0.3, eyesPx: 34, turnedAway: true },
  { role: 'ada', fromSeconds: 9, toSeconds: 19, fromX: 0.3, toX: 0.26, eyesPx: 34 },
  { role: 'ada', fromSeconds: 19, toSeconds: 20, fromX: 0.26, toX: -0.2, eyesPx: 34 },
  { role: 'grace', fromSeconds: 4, toSeconds: 5.4, fromX: 1.2, toX: 0.7, eyesPx: 30 },
  { role: 'grace', fromSeconds: 5.4, toSeconds: 10, fromX: 0.7, toX: 0.62, eyesPx: 30 },
  { role: 'grace', fromSeconds: 10, toSeconds: 11, fromX: 0.62, toX: 1.2, eyesPx: 30 },
  { role: 'visitor', fromSeconds: 14, toSeconds: 15, fromX: 1.2, toX: 0.68, eyesPx: 32 },
  { role: 'visitor', fromSeconds: 15, toSeconds: 17.4, fromX: 0.68, toX: 0.66, eyesPx: 32 },
  { role: 'visitor', fromSeconds: 17.4, toSeconds: 18.2, fromX: 0.66, toX: 1.2, eyesPx: 32 },
];

/** The room is empty at the end, so that everybody leaves within the demo. */
export const lengthSeconds = 24;

/** Frames a second. */
export const framerate = 5;

/** `leave_after_seconds` of the demo: longer than Ada turns away, so that turning away is not leaving. */
export const leaveAfterSeconds = 2.5;

export interface Expected {
  readonly type: string;
  readonly name: string | null;
}

/** The events that must be published, in this order, and no others. */
export const expected: readonly Expected[] = [
  { type: 'arrived', name: 'Ada' },
  { type: 'arrived', name: 'Grace' },
  { type: 'left', name: 'Grace' },
  { type: 'stranger_arrived', name: null },
  { type: 'stranger_left', name: null },
  { type: 'left', name: 'Ada' },
];
