"""Lines as rows, batched UDF."""
from __future__ import annotations
from typing import Any
import msgspec, pathway as pw
from benchmarks.peers.parts import Job
from benchmarks.peers.pathway_job import _Persons
from schemas.message import MessageBatch
class _S(pw.Schema):
    payload: bytes
    message_id: str
class _Lines(pw.io.python.ConnectorSubject):
    def __init__(self, job): 
        super().__init__(); self._job=job
    def run(self):
        for split in self._job.source.splits():
            for b in self._job.source.read(split):
                for p,m in zip(b.payloads,b.message_ids): self.next(payload=p,message_id=m)
def run(job):
    decoder, reduction = job.decoder(), job.reduction()
    encode = msgspec.msgpack.Encoder().encode
    @pw.udf(deterministic=True, max_batch_size=25000)
    def decode(payload: list[bytes], message_id: list[str]) -> list[tuple[str,int,bytes]]:
        n=len(payload)
        d=decoder.decode(MessageBatch(message_id[0],payload,message_id,[None]*n,[None]*n))
        job.keep(d)
        out=[(e.person_id,e.publish_us,encode(e)) for e in reduction.of_all(d.events)]
        out += [("",0,b"")]*(n-len(out))
        return out
    lines=pw.io.python.read(_Lines(job),schema=_S,autocommit_duration_ms=None)
    t=lines.select(e=decode(pw.this.payload,pw.this.message_id))
    ev=t.select(person_id=pw.this.e.get(0),publish_us=pw.this.e.get(1),packed=pw.this.e.get(2)).filter(pw.this.person_id!="")
    clock=ev.reduce(as_of_us=pw.reducers.max(pw.this.publish_us))
    persons=ev.groupby(pw.this.person_id).reduce(pw.this.person_id,events=pw.reducers.tuple(pw.this.packed))
    g=_Persons(job)
    pw.io.subscribe(clock,on_change=g.set_as_of); pw.io.subscribe(persons,on_change=g.add_person)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE,max_expression_batch_size=25000)
    g.finish()
