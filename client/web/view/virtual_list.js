/* virtual_list.js - a list of which only what may be seen is in the document
 *
 * Rows have any height: estimated first, measured when they are there.  Whoever is at the end stays
 * there, whoever reads elsewhere keeps the row under his eyes where it is. */
import { Heights } from "../core/heights.js";
import { isAtEnd, moved, place, scrollTopOf, visible } from "../core/viewport.js";
import { element } from "./dom.js";

const OVERSCAN = 400; /* pixels beyond either edge */
const ROUNDS = 4; /* measuring may bring further rows into sight */

export class VirtualList {
  #scroller;
  #canvas;
  #heights = new Heights();
  #estimate;
  #tail;
  #source;
  #followsEnd;
  #atEnd = true;
  #lastTop = 0;
  #place = { row: 0, above: 0 };
  #rows = new Map(); /* key -> {node, signature} */
  #shown = []; /* nodes in order */
  #frame = 0;
  #resizes;
  #onScroll;

  /* `tail`: pixels of nothing behind the last row.  source: {key(i), signature(i), render(i) -> element}.  A row is made anew when its signature
   * changes. */
  constructor({ scroller, role, estimate, tail = 0, source, followsEnd = false, onScroll = () => {} }) {
    this.#scroller = scroller;
    this.#estimate = estimate;
    this.#tail = tail;
    this.#source = source;
    this.#followsEnd = followsEnd;
    this.#onScroll = onScroll;
    this.#canvas = element("div", { class: "canvas", role });
    scroller.append(this.#canvas);
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#resizes = new ResizeObserver(() => this.refresh());
    this.#resizes.observe(scroller);
  }

  get atEnd() { return this.#atEnd; }

  splice(at, removed, added) {
    this.#heights.splice(at, removed, added, this.#estimate);
    this.#place.row = moved(this.#place.row, at, removed, added);
    this.refresh();
  }

  /* All rows are others now; row `top` takes the place of the one that was topmost. */
  reset(count, top) {
    this.#heights.splice(0, this.#heights.length, count, this.#estimate);
    this.#place = { row: Math.max(0, top), above: top < 0 ? 0 : this.#place.above };
    this.refresh();
  }

  /* The topmost row in sight; undefined at the very beginning. */
  get top() { return this.#place.row === 0 && this.#place.above <= 0 ? undefined : this.#place.row; }

  refresh() {
    this.#frame ||= requestAnimationFrame(() => this.draw());
  }

  toEnd() {
    this.#atEnd = true;
    this.refresh();
  }

  /* Scrolls as little as needed to have that row in sight. */
  reveal(row) {
    const top = this.#heights.before(row);
    const { scrollTop, clientHeight } = this.#scroller;
    if (top < scrollTop) {
      this.#goTo(top);
    } else if (top + this.#heights.at(row) > scrollTop + clientHeight) {
      this.#goTo(top + this.#heights.at(row) - clientHeight);
    }
  }

  #goTo(top) {
    this.#scroller.scrollTop = top;
    this.#scrolled();
    this.draw();
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    this.#atEnd = isAtEnd(scrollTop, clientHeight, scrollHeight, scrollTop < this.#lastTop);
    this.#lastTop = scrollTop;
    if (this.#heights.length > 0) {
      this.#place = place(this.#heights, scrollTop);
    }
    this.refresh();
    this.#onScroll();
  }

  /* ---- Drawing ---- */

  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    for (let round = 0; round < ROUNDS && this.#drawOnce(); round++);
    this.#onScroll();
  }

  /* Returns whether heights turned out to be other than thought. */
  #drawOnce() {
    const height = this.#scroller.clientHeight;
    const top = this.#wantedTop(height);
    const range = visible(this.#heights, top, height, OVERSCAN);
    this.#sync(range);
    const changed = this.#measure(range.first);
    this.#lay(range.first);
    this.#scrollTo(this.#wantedTop(height));
    return changed;
  }

  #wantedTop(height) {
    const last = Math.max(0, this.#heights.total + this.#tail - height);
    return this.#followsEnd && this.#atEnd ? last : Math.min(last, Math.max(0, scrollTopOf(this.#heights, this.#safePlace())));
  }

  #safePlace() {
    const row = Math.min(this.#place.row, Math.max(0, this.#heights.length - 1));
    return { row, above: this.#place.above };
  }

  #sync({ first, end }) {
    const kept = new Map();
    this.#shown = [];
    for (let i = first; i < end; i++) {
      const row = this.#row(i);
      kept.set(this.#source.key(i), row);
      this.#shown.push(row.node);
    }
    for (const [key, row] of this.#rows) {
      if (kept.get(key) !== row) {
        this.#resizes.unobserve(row.node);
        row.node.remove();
      }
    }
    this.#rows = kept;
    this.#arrange();
    this.#number(first);
  }

  #row(i) {
    const signature = this.#source.signature(i);
    const there = this.#rows.get(this.#source.key(i));
    if (there?.signature === signature) {
      return there;
    }
    const node = this.#source.render(i);
    this.#resizes.observe(node);
    return { node, signature };
  }

  /* The document has them in the order in which they are read. */
  #arrange() {
    let next = this.#canvas.firstChild;
    for (const node of this.#shown) {
      if (node === next) {
        next = next.nextSibling;
      } else {
        this.#canvas.insertBefore(node, next);
      }
    }
  }

  #number(first) {
    this.#shown.forEach((node, i) => {
      node.setAttribute("aria-setsize", String(this.#heights.length));
      node.setAttribute("aria-posinset", String(first + i + 1));
    });
  }

  #measure(first) {
    let changed = false;
    const measured = this.#shown.map((node) => node.getBoundingClientRect().height);
    measured.forEach((height, i) => {
      if (Math.abs(height - this.#heights.at(first + i)) > 0.01) {
        this.#heights.set(first + i, height);
        changed = true;
      }
    });
    return changed;
  }

  #lay(first) {
    this.#canvas.style.height = `${this.#heights.total + this.#tail}px`;
    let y = this.#heights.before(first);
    this.#shown.forEach((node, i) => {
      node.style.transform = `translateY(${y}px)`;
      y += this.#heights.at(first + i);
    });
  }

  #scrollTo(top) {
    if (Math.abs(this.#scroller.scrollTop - top) >= 1) {
      this.#scroller.scrollTop = top;
    }
    this.#lastTop = this.#scroller.scrollTop;
  }
}
