/** A component that is drawn again only when a property is another: for rows, of which a scroll brings a few and keeps most. */
import { Component, h, type Attributes, type ComponentType, type VNode } from 'preact';

export function memo<Props extends object>(Inner: ComponentType<Props>): ComponentType<Props> {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const before = this.props as Readonly<Props>;
      return (Object.keys(next) as (keyof Props)[]).some((key) => next[key] !== before[key]);
    }
    render(): VNode<Props & Attributes> {
      return h(Inner, this.props as Props & Attributes);
    }
  };
}
