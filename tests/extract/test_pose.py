"""A drone's attitude, from each maker's own tags to one form."""

import pytest

from tests.extract.given import packet, tags
from worker.extract import xmp
from worker.extract.budget import Budget
from worker.extract.pose import pose
from worker.model import Limits, Pose, TagValue

DJI = (
    'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" drone-dji:RelativeAltitude="+40.00" '
    'drone-dji:GimbalYawDegree="-132.00" drone-dji:GimbalPitchDegree="-89.90" drone-dji:GimbalRollDegree="+0.00" '
    'drone-dji:FlightYawDegree="-129.90" drone-dji:FlightPitchDegree="-1.60" drone-dji:FlightRollDegree="+0.90"'
)
PARROT = (
    'xmlns:drone-parrot="http://www.parrot.com/drone-parrot/1.0/" drone-parrot:CameraYawDegree="12.5" '
    'drone-parrot:CameraPitchDegree="-45.0" drone-parrot:CameraRollDegree="0.1" '
    'drone-parrot:DroneYawDegree="10.0" drone-parrot:DronePitchDegree="-3.0" drone-parrot:DroneRollDegree="1.0"'
)
AUTEL_OLD = 'xmlns:Camera="http://pix4d.com/camera/1.0" Camera:Yaw="90.0" Camera:Pitch="0.0" Camera:Roll="0.0"'
AUTEL_NEW = (
    'xmlns:drone="http://www.autelrobotics.com/drone/1.0/" drone:RelativeAltitude="+55.5" '
    'drone:GimbalYawDegree="90.0" drone:GimbalPitchDegree="-90.0" drone:GimbalRollDegree="0.0" '
    'drone:FlightYawDegree="91.0" drone:FlightPitchDegree="2.0" drone:FlightRollDegree="-1.0"'
)
SKYDIO_ATTRIBUTES = 'xmlns:drone-skydio="https://www.skydio.com/drone-skydio/1.0/" drone-skydio:RelativeAltitude="12.3"'
SKYDIO_ELEMENTS = (
    '<drone-skydio:CameraOrientationNED rdf:parseType="Resource"><drone-skydio:Yaw>127.44</drone-skydio:Yaw>'
    "<drone-skydio:Pitch>-7.47</drone-skydio:Pitch><drone-skydio:Roll>0.19</drone-skydio:Roll>"
    "</drone-skydio:CameraOrientationNED>"
    '<drone-skydio:VehicleOrientationNED drone-skydio:Yaw="120.0" drone-skydio:Pitch="1.0" drone-skydio:Roll="2.0"/>'
)


@pytest.mark.parametrize(
    ("attributes", "elements", "make", "expected"),
    [
        (DJI, "", "DJI", Pose(-132.0, -89.9, 0.0, -129.9, -1.6, 0.9, 40.0)),
        (DJI, "", "Autel Robotics", Pose(-132.0, -89.9, 0.0, -129.9, -1.6, 0.9, 40.0)),
        (PARROT, "", "Parrot", Pose(12.5, -45.0, 0.1, 10.0, -3.0, 1.0, None)),
        (AUTEL_OLD, "", "Autel Robotics", Pose(90.0, -90.0, 0.0)),
        (AUTEL_OLD, "", "senseFly", Pose(90.0, 0.0, 0.0)),
        (AUTEL_NEW, "", "Autel Robotics", Pose(90.0, -90.0, 0.0, 91.0, 2.0, -1.0, 55.5)),
        (SKYDIO_ATTRIBUTES, SKYDIO_ELEMENTS, "Skydio", Pose(127.44, -7.47, 0.19, 120.0, 1.0, 2.0, 12.3)),
    ],
)
def test_the_attitude_in_each_makers_xmp(attributes: str, elements: str, make: str, expected: Pose) -> None:
    found, _ = xmp.read([packet(attributes, elements)], [], Limits(), Budget(5))
    attitude, sources = pose(found | tags({"IFD0:Make": make}))
    assert attitude == expected
    assert all(name in found for name in sources.values())


def test_the_attitude_in_djis_maker_notes() -> None:
    values: dict[str, TagValue] = {
        "MakerNotes:Yaw": 30.0,
        "MakerNotes:Pitch": 1.0,
        "MakerNotes:Roll": -2.0,
        "MakerNotes:CameraYaw": 31.0,
        "MakerNotes:CameraPitch": -90.0,
        "MakerNotes:CameraRoll": 0.0,
    }
    found, sources = pose(tags(values))
    assert found == Pose(31.0, -90.0, 0.0, 30.0, 1.0, -2.0)
    assert sources["pose.camera_pitch"] == "MakerNotes:CameraPitch"


def test_angles_of_one_body_come_from_one_schema() -> None:
    found, _ = pose(tags({"XMP-drone-dji:GimbalYawDegree": 10.0, "XMP-Camera:Pitch": -20.0}))
    assert found == Pose(camera_yaw=10.0)


def test_a_schema_without_a_number_is_passed_over() -> None:
    found, _ = pose(tags({"XMP-drone-dji:GimbalYawDegree": "NaN", "XMP-Camera:Yaw": 5.0}))
    assert found == Pose(camera_yaw=5.0)


def test_a_picture_from_the_ground_has_none() -> None:
    assert pose(tags({"IFD0:Make": "Canon"})) == (None, {})
