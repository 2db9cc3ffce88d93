"""Work and events beside a request."""

import json
import threading
import time

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge


def emit(source, detail_type, resources, detail):
    entry = {"Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def later(seconds, work):
    """Does the work in the account and region of this request."""
    account, region = get_account_id(), get_region()

    def run():
        time.sleep(seconds)
        with request_scope(account, region):
            work()

    threading.Thread(target=run, daemon=True).start()
