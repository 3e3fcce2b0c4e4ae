/* tab.js - one string that this tab keeps while it is loaded anew, where the browser lets us */

const KEY = "parley.kept";

export class Tab {
  get kept() {
    try {
      return sessionStorage.getItem(KEY) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /* undefined: forget it. */
  set kept(text) {
    try {
      sessionStorage.removeItem(KEY);
      if (text !== undefined) {
        sessionStorage.setItem(KEY, text);
      }
    } catch {
      /* a reload finds nothing */
    }
  }
}
