// Reordering rows by dragging their grip.

/**
 * Lets the rows of a list be dragged by their button `.grip`.
 *
 * @param {HTMLOListElement} list
 * @param {(from: number, to: number) => void} move Called when a row has been dropped in another place.
 */
export function reorderable(list, move) {
  list.addEventListener("pointerdown", (event) => {
    const grip = event.target instanceof Element ? event.target.closest(".grip") : null;
    const row = grip?.closest("li");
    if (!(grip instanceof HTMLElement) || !row || event.button) return;
    const from = [...list.children].indexOf(row);
    grip.setPointerCapture(event.pointerId);
    row.classList.add("dragged");

    /** @param {PointerEvent} moved */
    const drag = (moved) => {
      for (const other of [...list.children]) {
        const { top, height } = other.getBoundingClientRect();
        const isAbove = Boolean(other.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING);
        if (other !== row && isAbove && moved.clientY < top + height / 2) {
          row.after(other); // the others move: a row that moved itself would lose the pointer
        } else if (other !== row && !isAbove && moved.clientY > top + height / 2) row.before(other);
      }
    };
    const drop = () => {
      grip.removeEventListener("pointermove", drag);
      row.classList.remove("dragged");
      move(from, [...list.children].indexOf(row));
    };
    grip.addEventListener("pointermove", drag);
    grip.addEventListener("lostpointercapture", drop, { once: true });
  });
  return list;
}
