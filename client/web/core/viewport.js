/* viewport.js - which rows of a long list to have in the document, and how to keep one's place */

const NEAR_END = 24; /* pixels from the end that still count as being there */

/* The rows [first, end) that may be seen, with some more on either side. */
export function visible(heights, scrollTop, height, overscan) {
  if (heights.length === 0) {
    return { first: 0, end: 0 };
  }
  return {
    first: heights.find(Math.max(0, scrollTop - overscan)),
    end: heights.find(scrollTop + height + overscan) + 1,
  };
}

/* The place somebody is reading at: a row, and how far its top is above that of the window. */
export function place(heights, scrollTop) {
  const row = heights.find(Math.max(0, scrollTop));
  return { row, above: scrollTop - heights.before(row) };
}

export const scrollTopOf = (heights, { row, above }) => heights.before(row) + above;

/* Where the row is that was at that index before so many were removed and added there. */
export function moved(index, at, removed, added) {
  if (index < at) {
    return index;
  }
  return index < at + removed ? at : index - removed + added;
}

/* Who scrolls upwards leaves the end at once, or could not leave it slowly. */
export const isAtEnd = (scrollTop, height, total, upwards = false) => scrollTop + height >= total - (upwards ? 1 : NEAR_END);
