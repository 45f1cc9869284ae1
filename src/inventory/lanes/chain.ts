/** A doubly linked list whose nodes carry their own links: constant time at both ends, and for a removal anywhere. */
export interface Link<N> {
  previous: N | null;
  next: N | null;
}

export class Chain<N extends Link<N>> {
  first: N | null = null;
  private last: N | null = null;

  append(node: N): void {
    node.previous = this.last;
    node.next = null;
    if (this.last) this.last.next = node;
    else this.first = node;
    this.last = node;
  }

  prepend(node: N): void {
    node.previous = null;
    node.next = this.first;
    if (this.first) this.first.previous = node;
    else this.last = node;
    this.first = node;
  }

  remove(node: N): void {
    const { previous, next } = node;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.last = previous;
    node.previous = null;
    node.next = null;
  }
}
