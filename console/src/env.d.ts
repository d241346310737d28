/** Version of the software that this console was built with. */
declare const __FLYBALL_VERSION__: string;
