// The script of the demo: the position of each person over time, and the events that roomkin must publish. Times are seconds from the
// first frame. `portraits.ts` draws the people, `stage.ts` the frames; `demo.ts` checks the events.

/** What makes a face. Lengths are in pixels of a portrait of 400 x 500, factors are 1 for an average face. */
export interface Features {
  readonly skin: string;
  /** The colour of the skin in the shade. */
  readonly shade: string;
  readonly hair: string;
  readonly iris: string;
  readonly lips: string;
  /** Hair down to the shoulders. */
  readonly longHair: boolean;
  readonly glasses: boolean;
  /** Factors. */
  readonly faceWidth: number;
  readonly jawWidth: number;
  readonly eyeOpening: number;
  readonly noseWidth: number;
  readonly mouthWidth: number;
  readonly hairHeight: number;
  /** From the middle of the face to an eye, pixels. */
  readonly eyeOffset: number;
  /** Above the middle of the face, pixels. */
  readonly browHeight: number;
  readonly browThickness: number;
}

/** How a portrait was taken. */
export interface Pose {
  /** Where the light comes from: -1 is from the left, 1 from the right. */
  readonly light: number;
  readonly tiltDegrees: number;
  /** How far the corners of the mouth are up, pixels. */
  readonly smile: number;
}

export interface Role {
  readonly key: string;
  /** The name for the enrolment; null for an unknown person, who is not enrolled. */
  readonly name: string | null;
  readonly features: Features;
  /** The pose on the photo to enrol, and in the frames. */
  readonly enrolled: Pose;
  readonly seen: Pose;
}

const photo: Pose = { light: -0.3, tiltDegrees: 3, smile: 4 };

export const cast: readonly Role[] = [
  {
    key: 'ada',
    name: 'Ada',
    features: {
      skin: '#f4dccb',
      shade: '#c08f78',
      hair: '#5b4632',
      iris: '#2b1a10',
      lips: '#c97b74',
      longHair: true,
      glasses: true,
      faceWidth: 0.87,
      jawWidth: 0.84,
      eyeOpening: 0.95,
      noseWidth: 1.38,
      mouthWidth: 0.81,
      hairHeight: 1.13,
      eyeOffset: 43,
      browHeight: 42,
      browThickness: 3,
    },
    enrolled: photo,
    seen: { light: 0.3, tiltDegrees: -2, smile: 0 },
  },
  {
    key: 'grace',
    name: 'Grace',
    features: {
      skin: '#6f4a35',
      shade: '#3a2318',
      hair: '#d8d8d8',
      iris: '#4c7fa8',
      lips: '#b5504f',
      longHair: true,
      glasses: false,
      faceWidth: 1.04,
      jawWidth: 1.35,
      eyeOpening: 0.86,
      noseWidth: 1.09,
      mouthWidth: 0.77,
      hairHeight: 1.1,
      eyeOffset: 50,
      browHeight: 36,
      browThickness: 10,
    },
    enrolled: photo,
    seen: { light: 0.2, tiltDegrees: 2, smile: 0 },
  },
  {
    key: 'visitor',
    name: null,
    features: {
      skin: '#c98d63',
      shade: '#7d4e31',
      hair: '#c9a24d',
      iris: '#2b1a10',
      lips: '#b5504f',
      longHair: false,
      glasses: false,
      faceWidth: 0.92,
      jawWidth: 0.91,
      eyeOpening: 1.24,
      noseWidth: 1.58,
      mouthWidth: 1.37,
      hairHeight: 1.1,
      eyeOffset: 40,
      browHeight: 29,
      browThickness: 3,
    },
    enrolled: photo,
    seen: { light: -0.2, tiltDegrees: 0, smile: 0 },
  },
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
