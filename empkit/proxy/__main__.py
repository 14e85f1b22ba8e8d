"""The proxy as a child process; `ProxyProcess` starts and commands it."""

from empkit.proxy.process import main

main()
